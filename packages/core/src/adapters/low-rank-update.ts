import { AnabranchError } from "@anabranch/engine";
import { combineMatrices, type Matrix, shape, shapeError, times } from "./matrix.ts";

/**
 * What LoRA adds to a weight W [o, i]: scale B A. E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models",
 * ICLR 2022, arXiv:2106.09685, eq. 3; scale = alpha / r.
 */
export interface LowRankUpdate {
  /** A [r, i] */
  readonly a: Matrix;
  /** B [o, r] */
  readonly b: Matrix;
  readonly scale: number;
}

/** The update of one client, with its weight in means. */
export interface WeightedUpdate extends LowRankUpdate {
  readonly weight: number;
}

/**
 * scale B A, [o, i].
 *
 * @example
 * ```ts
 * import { deltaOf, matrixOf, rowsOf } from "@anabranch/core";
 * const [a, b] = [matrixOf([[1, 2]]), matrixOf([[3], [4]])];
 * rowsOf(deltaOf({ a, b, scale: 2 })); // => [[6, 12], [8, 16]]
 * ```
 */
export function deltaOf({ a, b, scale }: LowRankUpdate): Matrix {
  return combineMatrices([scale], [times(b, a)]);
}

/** Weights divided by their sum. Throws `adapters/weights` where they have no positive one. */
export function sharesOf(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (weights.every((weight) => weight >= 0) && sum > 0 && Number.isFinite(sum))
    return weights.map((weight) => weight / sum);
  throw new AnabranchError({
    code: "adapters/weights",
    message: "these weights have no mean",
    received: weights.join(", ") || "no weights",
    expected: "finite weights of 0 or more, one of them above 0",
  });
}

/**
 * What averaging should give: sum_k p_k scale_k B_k A_k with p = weight / sum. Its rank is up to the sum of the ranks.
 *
 * @example
 * ```ts
 * import { exactUpdate, matrixOf, rowsOf } from "@anabranch/core";
 * const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
 * rowsOf(exactUpdate([update(1, 2), update(3, 4)])); // => [[7]]
 * ```
 */
export function exactUpdate(updates: readonly WeightedUpdate[]): Matrix {
  requirePairs(updates);
  const shares = sharesOf(updates.map(({ weight }) => weight));
  return combineMatrices(shares, updates.map(deltaOf));
}

/** Refuses pairs that are no pairs, or that are for different weights. Throws `adapters/shape`. */
export function requirePairs(updates: readonly LowRankUpdate[]): void {
  const [first] = updates;
  if (first === undefined) throw shapeError("there is nothing to aggregate", "no updates", "one or more");
  for (const { a, b } of updates) {
    if (a.rows !== b.columns)
      throw shapeError("A and B differ in rank", `A ${shape(a)}, B ${shape(b)}`, "A [r, i], B [o, r]");
    if (a.columns === first.a.columns && b.rows === first.b.rows) continue;
    throw shapeError(
      "updates are for weights of different shapes",
      `[${b.rows}, ${a.columns}]`,
      `[${first.b.rows}, ${first.a.columns}]`,
    );
  }
}
