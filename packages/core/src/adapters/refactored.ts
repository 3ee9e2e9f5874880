import { type TruncatedSvd, transposed, truncatedSvd } from "@anabranch/engine";
import { exactUpdate, type LowRankUpdate, type WeightedUpdate } from "./low-rank-update.ts";
import type { Matrix } from "./matrix.ts";

/** An update of bounded rank, and the singular values that it keeps. */
export interface RefactoredUpdate extends LowRankUpdate {
  /** In falling order. */
  readonly singularValues: Float64Array;
}

/**
 * FlexLoRA: the mean of the products, truncated to `rank` by its singular values; no update of that rank is nearer.
 *
 * Citation: J. Bai et al., "Federated Fine-tuning of Large Language Models under Heterogeneous Tasks and Client Resources",
 * NeurIPS 2024, arXiv:2402.11505, section 4. Singular values are shared evenly by both factors here.
 * @param rank default: the largest rank of a client
 */
export function refactored(updates: readonly WeightedUpdate[], rank?: number): RefactoredUpdate {
  const exact = exactUpdate(updates);
  const most = updates.reduce((largest, { a }) => Math.max(largest, a.rows), 0);
  return factored(exact, rank ?? most, updates[0]!.scale);
}

/**
 * A matrix [o, i] as scale B A of at most this rank, with both factors of equal size.
 *
 * @example
 * ```ts
 * import { deltaOf, factored, matrixOf } from "@anabranch/core";
 * const { singularValues } = factored(matrixOf([[3, 0], [0, 1]]), 1, 2);
 * singularValues; // => [3]
 * ```
 */
export function factored(matrix: Matrix, rank: number, scale: number): RefactoredUpdate {
  const svd = truncatedSvd(matrix.data, matrix.rows, matrix.columns, rank);
  const { left, right } = balanced(svd, scale, matrix);
  return {
    a: { rows: svd.rank, columns: matrix.columns, data: right },
    b: { rows: matrix.rows, columns: svd.rank, data: transposed(left, svd.rank, matrix.rows) },
    scale,
    singularValues: svd.values,
  };
}

/** Singular vectors times the roots of their values: left [q, o], right [q, i]. */
function balanced({ left, right, values }: TruncatedSvd, scale: number, { rows, columns }: Matrix) {
  const roots = values.map((value) => Math.sqrt(value / Math.abs(scale)));
  const grown = (vectors: Float64Array, length: number, sign: number) =>
    vectors.map((value, i) => sign * value * roots[Math.floor(i / length)]!);
  return { left: grown(left, rows, Math.sign(scale)), right: grown(right, columns, 1) };
}
