/**
 * Condition of the weights: s_max / s_median of the singular values of every matrix, and the median over the matrices. The
 * smallest singular value would say more of rounding than of training. Matrices [m, n] are those of the layout; kernels
 * [o, c, h, w] count as [o, c h w]. Embeddings and vectors are left out.
 *
 * It asks what element-wise optimizers do to matrices, as FedMuon (arXiv:2510.27403) says of their condition number.
 * Cost: per matrix one Gram matrix and its eigenvalues, O(m n min(m, n)).
 */
import { truncatedSvd } from "@anabranch/engine";
import { entryView, type Layout, type LayoutEntry } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** Median over the matrices of s_max / s_median; NaN without matrices, infinite where most matrices have rank m / 2 or less. */
export function conditionOfWeights(parameters: Vector, { entries }: Layout): number {
  const matrices = entries.filter((entry) => entry.shape.length >= 2 && entry.role !== "embedding");
  return median(matrices.map((entry) => conditionOf(parameters, entry)));
}

function conditionOf(parameters: Vector, entry: LayoutEntry): number {
  const rows = entry.shape[0]!;
  const columns = entry.size / rows;
  const { values } = truncatedSvd(entryView(parameters, entry), rows, columns, Math.min(rows, columns));
  return values[0]! / median([...values]);
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
