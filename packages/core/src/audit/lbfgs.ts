/**
 * L-BFGS on the host: the two-loop recursion over the last steps, with backtracking until the loss falls enough (Armijo).
 *
 * Citation: D. C. Liu, J. Nocedal, "On the Limited Memory BFGS Method for Large Scale Optimization", Mathematical Programming
 * 45, 1989; J. Nocedal, S. Wright, "Numerical Optimization", 2006, algorithm 7.4.
 */
import { dot } from "../params/vector.ts";

/** A loss with its gradient, [n]. */
export interface Slope {
  readonly loss: number;
  readonly gradient: ArrayLike<number>;
}

export interface LbfgsSettings {
  readonly iterations: number;
  /** Steps that are remembered; default 100. */
  readonly history?: number;
  /** Loss at which the search ends; default 0. */
  readonly goal?: number;
  /** Called after every iteration. */
  onIteration?(iteration: number, loss: number): void;
}

/** Where a search has ended. */
export interface Minimum {
  readonly point: Float64Array;
  readonly loss: number;
  readonly iterations: number;
}

interface Remembered {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** 1 / <change, step> */
  readonly scale: number;
}

const ENOUGH = 1e-4;
const MOST_HALVINGS = 25;

/**
 * Minimises a function from a starting point. Ends early where no step along the direction lowers the loss.
 *
 * @example
 * ```ts
 * import { lbfgs } from "@anabranch/core";
 * const bowl = async (p: Float64Array) => ({ loss: (p[0]! - 3) ** 2, gradient: [2 * (p[0]! - 3)] });
 * const { point } = await lbfgs(bowl, Float64Array.of(0), { iterations: 20 });
 * Math.round(point[0]!); // => 3
 * ```
 */
export async function lbfgs(
  slope: (point: Float64Array) => Promise<Slope>,
  start: Float64Array,
  { iterations, history = 100, goal = 0, onIteration }: LbfgsSettings,
): Promise<Minimum> {
  let point: Float64Array = start.slice();
  let current = await slope(point);
  const memory: Remembered[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (!(current.loss > goal)) return { point, loss: current.loss, iterations: iteration };
    const direction = descent(current.gradient, memory);
    const found = await lineSearch(slope, point, current, direction, memory.length === 0);
    if (found === undefined) {
      if (memory.length === 0) return { point, loss: current.loss, iterations: iteration };
      memory.length = 0; // once more along the gradient
      continue;
    }
    remember(memory, history, found.point, point, found.slope.gradient, current.gradient);
    [point, current] = [found.point, found.slope];
    onIteration?.(iteration, current.loss);
  }
  return { point, loss: current.loss, iterations };
}

/** The two-loop recursion: minus an estimate of the inverse Hessian times the gradient. */
function descent(gradient: ArrayLike<number>, memory: readonly Remembered[]): Float64Array {
  const direction = Float64Array.from(gradient, (value) => -value);
  const shares = new Float64Array(memory.length);
  for (let i = memory.length - 1; i >= 0; i--) {
    const { step, change, scale } = memory[i]!;
    shares[i] = scale * dot(step, direction);
    addTo(direction, change, -shares[i]!);
  }
  const last = memory.at(-1);
  if (last !== undefined) {
    const factor = 1 / (last.scale * dot(last.change, last.change));
    for (let i = 0; i < direction.length; i++) direction[i]! *= factor;
  }
  for (const [i, { step, change, scale }] of memory.entries()) {
    addTo(direction, step, shares[i]! - scale * dot(change, direction));
  }
  return direction;
}

async function lineSearch(
  slope: (point: Float64Array) => Promise<Slope>,
  from: Float64Array,
  { loss, gradient }: Slope,
  direction: Float64Array,
  first: boolean,
): Promise<{ readonly point: Float64Array; readonly slope: Slope } | undefined> {
  const fall = dot(gradient, direction);
  if (!(fall < 0)) return undefined;
  const size = Array.from(gradient).reduce((sum, value) => sum + Math.abs(value), 0);
  let length = first ? Math.min(1, 1 / size) : 1;
  for (let halving = 0; halving < MOST_HALVINGS; halving++) {
    const point = from.map((value, i) => value + length * direction[i]!);
    const next = await slope(point);
    if (next.loss <= loss + ENOUGH * length * fall) return { point, slope: next };
    length /= 2;
  }
  return undefined;
}

/** Keeps a step where the curvature along it is positive. */
function remember(
  memory: Remembered[],
  history: number,
  point: Float64Array,
  before: Float64Array,
  gradient: ArrayLike<number>,
  gradientBefore: ArrayLike<number>,
): void {
  const step = point.map((value, i) => value - before[i]!);
  const change = Float64Array.from(gradient, (value, i) => value - gradientBefore[i]!);
  const curvature = dot(change, step);
  if (!(curvature > 1e-12 * dot(step, step))) return;
  memory.push({ step, change, scale: 1 / curvature });
  if (memory.length > history) memory.shift();
}

function addTo(target: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += factor * values[i]!;
}
