/**
 * Geometric median by the smoothed Weiszfeld iteration (RFA).
 *
 * Citation: K. Pillutla, S. M. Kakade, Z. Harchaoui. "Robust Aggregation for Federated Learning". IEEE Transactions on Signal
 * Processing 2022, arXiv:1912.13445 (Algorithm 2).
 *
 * Rule, with weights alpha_i that sum to 1: v = sum alpha_i x_i; then R times beta_i = alpha_i / max(nu, |v - x_i|) and
 * v = sum beta_i x_i / sum beta_i. With a tolerance it stops after an iteration that changes the objective
 * sum alpha_i |v - x_i| by less than this share of it.
 * Each iteration is one weighted sum of the updates. Here one process sees them; `hiddenMedian` makes secure sums of it.
 */
import { accumulate } from "../kernel.ts";
import { squaredGap } from "./distances.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";

export interface WeiszfeldOptions {
  readonly iterations: number;
  readonly smoothing: number;
  readonly tolerance?: number | undefined;
}

export function* geometricMedian(
  set: UpdateSet,
  weights: readonly number[],
  { iterations, smoothing, tolerance = 0 }: WeiszfeldOptions,
): Passes<Float64Array<ArrayBuffer>> {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const alpha = weights.map((weight) => weight / total);
  const centre = new Float64Array(set.size);
  let distances = yield* moveCentre(set, weights, centre);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const before = objective(alpha, distances);
    const beta = alpha.map((share, i) => share / Math.max(smoothing, distances[i]!));
    // without smoothing the iteration is not defined at an update itself, and ends there
    if (!beta.every(Number.isFinite)) break;
    distances = yield* moveCentre(set, beta, centre);
    if (tolerance > 0 && Math.abs(objective(alpha, distances) - before) < tolerance * before) break;
  }
  return centre;
}

/** One weighted mean into `centre`, and the distances of all vectors to it, in one pass. */
export function* moveCentre(set: UpdateSet, weights: readonly number[], centre: Float64Array): Passes<Float64Array> {
  const squares = new Float64Array(set.count);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  yield* over(set, (block, begin) => {
    const length = block[0]!.length;
    const part = centre.subarray(begin, begin + length).fill(0);
    accumulate(part, block, weights, 0, length);
    for (let i = 0; i < length; i++) part[i] = part[i]! / total;
    for (let i = 0; i < set.count; i++) squares[i]! += squaredGap(block[i]!, part);
  });
  return squares.map(Math.sqrt);
}

function objective(alpha: readonly number[], distances: Float64Array): number {
  return alpha.reduce((sum, share, i) => sum + share * distances[i]!, 0);
}
