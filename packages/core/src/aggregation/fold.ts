/**
 * Means and sums of a cohort's updates, folded in cohort order in O(d) memory.
 *
 * Citation: H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas. "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data". AISTATS 2017, arXiv:1602.05629 (the server line of Algorithm 1).
 *
 * Update rule, over the updates x_k with weights w_k, k = 1..m in cohort order:
 *   weightedMean: out = (w_1 x_1 + ... + w_m x_m) / (w_1 + ... + w_m)
 *   uniformMean:  out = (x_1 + ... + x_m) / m
 *   sum:          out = x_1 + ... + x_m
 * Every sum runs from left to right in float64 and is rounded once to the element type of `out`.
 *
 * Symbols: x_k -> `vector` [d]; w_k -> `weight`; m -> `count`; sum of w_k -> `weightSum`.
 * State: d float64 sums on the server, nothing on clients. Wire cost: that of the updates, d floats up per client.
 * Differences from the paper: none. The order of the cohort decides the last bits, as float addition is not associative;
 * any split by coordinates, on the other hand, gives the same bits (`foldRange`).
 */
import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../params/index.ts";
import { accumulate, BLOCK } from "./kernel.ts";

/** Rules that fold; see the head of this file. */
export type FoldRule = "weightedMean" | "uniformMean" | "sum";

/** A running aggregate of vectors [d]. */
export interface Fold {
  /** Adds one update. The vector is read at once and not kept. Throws `aggregation/length` or `aggregation/weight`. */
  add(vector: Vector, weight: number): void;
  /**
   * Adds several updates in order: the bits of as many calls of `add`, in about half the time. `factors` multiply the
   * updates and not their weights, by which a mean divides; absent: 1.
   */
  addAll(vectors: readonly Vector[], weights: readonly number[], factors?: readonly number[]): void;
  /** Writes the aggregate of what was added so far into `out` [d] and returns it. Throws `aggregation/empty`. */
  result<V extends Vector>(out: V): V;
  /** Forgets everything that was added; keeps the memory. */
  reset(): void;
  /** Sum of the weights given, whatever the rule. */
  readonly weightSum: number;
  /** Number of updates added. */
  readonly count: number;
}

/**
 * An empty fold of vectors of `size` elements.
 *
 * @example
 * ```ts
 * import { fold } from "@anabranch/core";
 * const mean = fold("weightedMean", 2);
 * mean.add(Float32Array.of(1, 0), 30);
 * mean.add(Float32Array.of(5, 4), 10);
 * mean.result(new Float64Array(2)); // => [2, 1]
 * ```
 */
export function fold(rule: FoldRule, size: number): Fold {
  const sums = new Float64Array(size);
  let weightSum = 0;
  let count = 0;
  const addAll: Fold["addAll"] = (vectors, weights, factors) => {
    requireUpdates(vectors, weights, size);
    const plain = coefficientsOf(rule, weights);
    const coefficients = factors === undefined ? plain : plain.map((c, k) => c * factors[k]!);
    for (let begin = 0; begin < size; begin += BLOCK) {
      const length = Math.min(BLOCK, size - begin);
      accumulate(sums.subarray(begin, begin + length), vectors, coefficients, begin, length);
    }
    for (const weight of weights) weightSum += weight;
    count += vectors.length;
  };
  return {
    add: (vector, weight) => addAll([vector], [weight]),
    addAll,
    result(out) {
      requireLength(out, size, "the vector for the result");
      divide(out, 0, sums, size, divisorOf(rule, weightSum, count));
      return out;
    },
    reset() {
      sums.fill(0);
      weightSum = 0;
      count = 0;
    },
    get weightSum() {
      return weightSum;
    },
    get count() {
      return count;
    },
  };
}

/**
 * Aggregates the coordinates [begin, end) of all updates into the same coordinates of `out` [d]. It gives the bits that
 * `fold` gives there after adding the same updates in the same order. Workers share a cohort by taking a range each.
 * Throws `aggregation/length`, `aggregation/weight`, `aggregation/range` or `aggregation/empty`.
 *
 * @example
 * ```ts
 * import { foldRange } from "@anabranch/core";
 * const out = new Float64Array(3);
 * foldRange("sum", [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], [1, 1], 1, 3, out);
 * out; // => [0, 7, 9]
 * ```
 */
export function foldRange(
  rule: FoldRule,
  updates: readonly Vector[],
  weights: readonly number[],
  begin: number,
  end: number,
  out: Vector,
): void {
  requireUpdates(updates, weights, out.length);
  requireRange(begin, end, out.length);
  const coefficients = coefficientsOf(rule, weights);
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const divisor = divisorOf(rule, weightSum, updates.length);
  const sums = new Float64Array(Math.min(BLOCK, end - begin));
  for (let start = begin; start < end; start += BLOCK) {
    const length = Math.min(BLOCK, end - start);
    sums.fill(0);
    accumulate(sums, updates, coefficients, start, length);
    divide(out, start, sums, length, divisor);
  }
}

function divide(out: Vector, begin: number, sums: Float64Array, length: number, divisor: number): void {
  for (let i = 0; i < length; i++) out[begin + i] = sums[i]! / divisor;
}

function coefficientsOf(rule: FoldRule, weights: readonly number[]): readonly number[] {
  return rule === "weightedMean" ? weights : weights.map(() => 1);
}

function divisorOf(rule: FoldRule, weightSum: number, count: number): number {
  if (rule === "sum") return 1;
  const divisor = rule === "weightedMean" ? weightSum : count;
  if (divisor > 0) return divisor;
  throw new AnabranchError({
    code: "aggregation/empty",
    message: "there is nothing to take a mean of",
    received: `${count} updates with weights that sum to ${weightSum}`,
    expected: "at least one update of positive weight",
    advice: "Every client of the cohort failed or has no examples: see the client.failed events of this round.",
  });
}

function requireUpdates(vectors: readonly Vector[], weights: readonly number[], size: number): void {
  if (vectors.length !== weights.length) {
    throw new AnabranchError({
      code: "aggregation/length",
      message: "updates and weights do not pair up",
      received: `${weights.length} weights`,
      expected: `${vectors.length}, one for each update`,
    });
  }
  for (const [k, vector] of vectors.entries()) {
    requireLength(vector, size, `update ${k}`);
    requireWeight(weights[k]!, k);
  }
}

function requireLength(vector: Vector, size: number, where: string): void {
  if (vector.length === size) return;
  throw new AnabranchError({
    code: "aggregation/length",
    message: "a vector does not fit the aggregate",
    where,
    received: `${vector.length} elements`,
    expected: `${size} elements`,
    advice: "All updates of a round must come from the same model.",
  });
}

function requireWeight(weight: number, index: number): void {
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return;
  throw new AnabranchError({
    code: "aggregation/weight",
    message: "an update has an impossible weight",
    where: `update ${index}`,
    received: String(weight),
    expected: "a finite number of at least 0",
  });
}

function requireRange(begin: number, end: number, size: number): void {
  if (Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin <= end && end <= size) return;
  throw new AnabranchError({
    code: "aggregation/range",
    message: "a range of coordinates lies outside the vectors",
    received: `[${begin}, ${end})`,
    expected: `a part of [0, ${size})`,
  });
}
