import { AnabranchError, symmetricEigen } from "@anabranch/engine";
import { components, type Graph, range } from "../topology/index.ts";

/** How well a graph mixes when its edges are used with given probabilities. */
export interface MixingConstants {
  /** 1 / lambda_2 of the Laplacian that is weighted by the probabilities. */
  readonly chi1: number;
  /** Half of the largest effective resistance between the ends of an edge. */
  readonly chi2: number;
  /** Messages of the whole graph for each gradient of a node: sqrt(2 chi1 chi2). */
  readonly rate: number;
}

/** Steps of the search for the best probabilities, and how strongly each one moves them. */
const STEPS = 400;
/** Sharpness with which near ties count beside the least eigenvalue and the largest resistance. */
const SHARPNESS = 40;

/**
 * The constants of a connected graph whose edges have probabilities; default: all the same. Throws `topology/connected`.
 *
 * @example
 * ```ts
 * import { graphOf, mixingConstants } from "@anabranch/core";
 * const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
 * mixingConstants(ring); // => { chi1: 2, chi2: 1.5, rate: 2.4495 }
 * ```
 */
export function mixingConstants(graph: Graph, probabilities?: readonly number[]): MixingConstants {
  const { chi1, chi2 } = spectrum(graph, probabilities ?? graph.edges.map(() => 1 / graph.edges.length));
  return { chi1, chi2, rate: Math.sqrt(2 * chi1 * chi2) };
}

/**
 * Probabilities of edges with which a graph needs fewer messages than with equal ones: multiplicative updates by what each
 * edge does for lambda_2 and for the largest resistance. The paper solves a semidefinite program for them; this search
 * finds the same for small graphs (64 nodes) and never returns worse ones than equal ones.
 *
 * @example
 * ```ts
 * import { graphOf, optimisedProbabilities } from "@anabranch/core";
 * // two triangles and a bridge, which is used most
 * const graph = graphOf(6, [[0, 1], [1, 2], [2, 0], [2, 3], [3, 4], [4, 5], [5, 3]]);
 * const bridge = optimisedProbabilities(graph)[3]!;
 * bridge > 1 / 4; // => true
 * ```
 */
export function optimisedProbabilities(graph: Graph): readonly number[] {
  let current: readonly number[] = graph.edges.map(() => 1 / graph.edges.length);
  let best = { probabilities: current, rate: mixingConstants(graph).rate };
  for (let step = 0; step < STEPS; step++) {
    const { gains } = spectrum(graph, current);
    const power = 0.5 / (1 + step / 40);
    const raised = current.map((p, e) => p * gains[e]! ** power);
    const total = raised.reduce((a, b) => a + b, 0);
    current = raised.map((p) => p / total);
    const { rate } = mixingConstants(graph, current);
    // a gain that rounding explains is none
    if (rate < best.rate * (1 - 1e-9)) best = { probabilities: current, rate };
  }
  return best.probabilities;
}

function spectrum(graph: Graph, probabilities: readonly number[]) {
  if (components(graph).length > 1) throw notConnected(graph);
  const { nodes: n, edges } = graph;
  const laplacian = new Float64Array(n * n);
  for (const [e, [i, j]] of edges.entries()) {
    const p = probabilities[e]!;
    laplacian[i * n + i]! += p;
    laplacian[j * n + j]! += p;
    laplacian[i * n + j]! -= p;
    laplacian[j * n + i]! -= p;
  }
  const { values, vectors } = symmetricEigen(laplacian, n);
  // descending: the last one is 0
  const modes = range(n - 1);
  const across = ([i, j]: readonly [number, number], k: number) => vectors[i * n + k]! - vectors[j * n + k]!;
  const resistance = (a: readonly [number, number], b: readonly [number, number]) =>
    modes.reduce((sum, k) => sum + (across(a, k) * across(b, k)) / values[k]!, 0);
  const lambda = values[n - 2]!;
  const resistances = edges.map((edge) => resistance(edge, edge));
  const largest = resistances.reduce((a, b) => Math.max(a, b), 0);
  const ofModes = shares(modes.map((k) => lambda / values[k]!));
  const ofEdges = shares(resistances.map((value) => value / largest));
  // derivatives of log lambda_2 and of -log of the largest resistance by each probability; their means are 1
  const gains = edges.map((edge) => {
    const forLambda = modes.reduce((sum, k) => sum + (ofModes[k]! * across(edge, k) ** 2) / values[k]!, 0);
    const forResistance = edges.reduce((sum, other, o) => {
      return ofEdges[o]! < 1e-9 ? sum : sum + (ofEdges[o]! * resistance(other, edge) ** 2) / resistances[o]!;
    }, 0);
    return (forLambda + forResistance) / 2;
  });
  return { chi1: 1 / lambda, chi2: largest / 2, gains };
}

/** Weights with the sum 1 of values whose largest is 1: near ties share, others hardly count. */
function shares(values: readonly number[]): readonly number[] {
  const raised = values.map((value) => value ** SHARPNESS);
  const total = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / total);
}

function notConnected({ nodes }: Graph): AnabranchError {
  return new AnabranchError({
    code: "topology/connected",
    message: "the graph falls into separate groups of nodes",
    received: `${nodes} nodes`,
    expected: "a path between every two nodes",
  });
}
