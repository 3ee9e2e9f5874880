import { type LowRankUpdate, requirePairs, sharesOf, type WeightedUpdate } from "./low-rank-update.ts";
import { combineMatrices, type Matrix, shapeError, stackRows, transpose, zeroMatrix } from "./matrix.ts";

/**
 * FedIT: A <- sum p_k A_k, B <- sum p_k B_k. With equal scales it misses the mean of the products by
 * -s sum_{k<l} p_k p_l (B_k - B_l)(A_k - A_l).
 *
 * Citation: J. Zhang et al., "Towards Building the Federated GPT: Federated Instruction Tuning", ICASSP 2024,
 * arXiv:2305.05644, Algorithm 1.
 * @throws `adapters/shape` for ranks that differ
 */
export function meanOfFactors(updates: readonly WeightedUpdate[]): LowRankUpdate {
  requirePairs(updates);
  const ranks = [...new Set(updates.map(({ a }) => a.rows))];
  if (ranks.length > 1)
    throw shapeError(
      "factors of different ranks have no mean",
      `ranks ${ranks.join(", ")}`,
      'equal ranks, or the rule "zero-pad", "flora" or "flexlora"',
    );
  const shares = sharesOf(updates.map(({ weight }) => weight));
  return {
    a: combineMatrices(
      shares,
      updates.map(({ a }) => a),
    ),
    b: combineMatrices(
      shares,
      updates.map(({ b }) => b),
    ),
    scale: updates[0]!.scale,
  };
}

/**
 * The mean of factors that are filled with zeros to one rank, the largest or the given one. Ranks above their own count as zeros in the
 * mean, so rare ranks are diluted.
 *
 * Citation: Y. J. Cho et al., "Heterogeneous LoRA for Federated Fine-tuning of On-Device Foundation Models", EMNLP 2024,
 * arXiv:2401.06432, section 3.
 */
export function meanOfPadded(updates: readonly WeightedUpdate[], rank?: number): LowRankUpdate {
  const full = rank ?? updates.reduce((most, { a }) => Math.max(most, a.rows), 0);
  return meanOfFactors(updates.map((update) => ({ ...update, ...padded(update, full) })));
}

/** A [rank, i] and B [o, rank]: further ranks are zeros, ranks beyond it are cut off. */
export function padded({ a, b }: Pick<LowRankUpdate, "a" | "b">, rank: number): { a: Matrix; b: Matrix } {
  return { a: ofHeight(a, rank), b: transpose(ofHeight(transpose(b), rank)) };
}

function ofHeight(matrix: Matrix, rows: number): Matrix {
  if (matrix.rows > rows) return { rows, columns: matrix.columns, data: matrix.data.slice(0, rows * matrix.columns) };
  return stackRows([matrix, zeroMatrix(rows - matrix.rows, matrix.columns)]);
}
