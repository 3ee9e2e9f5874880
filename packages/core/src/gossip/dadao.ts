import { type Edge, range } from "../topology/index.ts";
import type { MixingConstants } from "./edge-rates.ts";
import { matrixExponential } from "./matrix-exponential.ts";

/**
 * DADAO: accelerated decentralised optimisation in which gradients of nodes and messages over edges happen at independent
 * random times. For strongly convex functions alone.
 *
 * Reference: A. Nabli, E. Oyallon, "DADAO: Decoupled Accelerated Decentralized Asynchronous Optimization", ICML 2023,
 * arXiv:2208.00779.
 */
export interface DadaoEvent {
  readonly time: number;
  /** A gradient step of a node, or a message each way over an edge. */
  readonly at: { readonly node: number } | { readonly edge: Edge };
}

/** Smoothness and strong convexity of every node's function, and how well the graph mixes. */
export interface DadaoSettings {
  readonly smoothness: number;
  readonly strongConvexity: number;
  readonly mixing: MixingConstants;
}

/** Six vectors of each node: x, x~, y, y~, z, z~, each [d]; between events they follow a linear flow. */
type State = readonly Float64Array[];

/** Rates of the flow and sizes of the steps. */
function constantsOf({ smoothness: l, strongConvexity, mixing: { chi1, rate } }: DadaoSettings) {
  const nu = strongConvexity / 2;
  const r = Math.sqrt(nu / l);
  const steps = { gamma: 1 / (4 * l), gammaTilde: 1 / (4 * Math.sqrt(l * nu)), delta: r / 4 + 1 };
  const flow = { alpha: r / 4, alphaTilde: r / 8, eta: r / 8, etaTilde: r / 8, theta: 1 / (2 * r) };
  return { nu, ...steps, ...flow, beta: 1 / 2, betaTilde: (2 * chi1) / (rate * r) };
}

/**
 * Models x of all nodes, [nodes][d], after each event.
 *
 * @param gradient of a node's function at x, [d]
 * @param start models before the first event, [nodes][d]; the other vectors start at 0
 *
 * @example
 * ```ts
 * import { dadao, graphOf, mixingConstants } from "@anabranch/core";
 * const mixing = mixingConstants(graphOf(2, [[0, 1]]));
 * const settings = { smoothness: 1, strongConvexity: 1, mixing };
 * // two nodes with 0.5 (x - 1)^2 and 0.5 (x - 3)^2: a gradient step of each, then a message
 * const events = [
 *   { time: 1, at: { node: 0 } },
 *   { time: 2, at: { node: 1 } },
 *   { time: 3, at: { edge: [0, 1] as const } },
 * ];
 * dadao(settings, (node, x) => [x[0]! - [1, 3][node]!], [[0], [0]], events)[1]; // => [[0.25], [0.75]]
 * ```
 */
export function dadao(
  settings: DadaoSettings,
  gradient: (node: number, x: Float64Array) => ArrayLike<number>,
  start: readonly (readonly number[])[],
  events: readonly DadaoEvent[],
): number[][][] {
  const { nu, alpha, alphaTilde, eta, theta, etaTilde, ...steps } = constantsOf(settings);
  const generator = Float64Array.from(
    [
      [-eta, eta, 0, 0, 0, 0],
      [etaTilde, -etaTilde, 0, 0, 0, 0],
      [0, 0, -alpha, alpha, 0, 0],
      [0, -theta * nu, -theta, 0, -theta, 0],
      [0, 0, 0, 0, -alpha, alpha],
      [0, 0, 0, 0, alphaTilde, -alphaTilde],
    ].flat(),
  );
  const states: State[] = start.map((x) =>
    range(6).map((k) => (k === 0 ? Float64Array.from(x) : new Float64Array(x.length))),
  );
  const last = start.map(() => 0);
  const advance = (node: number, time: number) => {
    flow(states[node]!, matrixExponential(generator, 6, time - last[node]!));
    last[node] = time;
  };
  return events.map(({ time, at }) => {
    const involved = "node" in at ? [at.node] : at.edge;
    for (const node of involved) advance(node, time);
    if ("node" in at) takeGradient(states[at.node]!, gradient(at.node, states[at.node]![0]!), nu, steps);
    else exchange(states[at.edge[0]]!, states[at.edge[1]]!, steps);
    return states.map(([x]) => Array.from(x!));
  });
}

function flow(state: State, matrix: Float64Array): void {
  const before = state.map((vector) => vector.slice());
  for (const [row, vector] of state.entries())
    for (let j = 0; j < vector.length; j++)
      vector[j] = before.reduce((sum, column, k) => sum + matrix[row * 6 + k]! * column[j]!, 0);
}

type Steps = Pick<ReturnType<typeof constantsOf>, "gamma" | "gammaTilde" | "delta" | "beta" | "betaTilde">;

function takeGradient(state: State, gradient: ArrayLike<number>, nu: number, steps: Steps): void {
  const [x, xTilde, , yTilde] = state;
  for (let j = 0; j < x!.length; j++) {
    const v = gradient[j]! - nu * x![j]! - yTilde![j]!;
    x![j]! -= steps.gamma * v;
    xTilde![j]! -= steps.gammaTilde * v;
    yTilde![j]! += steps.delta * v;
  }
}

function exchange(a: State, b: State, { beta, betaTilde }: Steps): void {
  for (let j = 0; j < a[0]!.length; j++) {
    const m = a[2]![j]! + a[4]![j]! - (b[2]![j]! + b[4]![j]!);
    a[4]![j]! -= beta * m;
    b[4]![j]! += beta * m;
    a[5]![j]! -= betaTilde * m;
    b[5]![j]! += betaTilde * m;
  }
}
