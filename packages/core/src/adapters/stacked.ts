import { type LowRankUpdate, requirePairs, sharesOf, type WeightedUpdate } from "./low-rank-update.ts";
import { combineMatrices, stackRows, transpose } from "./matrix.ts";

/**
 * FLoRA: A is the stack of p_k (scale_k / scale) A_k, B that of B_k side by side, so that scale B A is the mean of the
 * products exactly, for any mixture of ranks. Its rank is the sum of the ranks: every client receives (o + i) sum_k r_k
 * numbers.
 *
 * Citation: Z. Wang et al., "FLoRA: Federated Fine-Tuning Large Language Models with Heterogeneous Low-Rank Adaptations",
 * NeurIPS 2024, arXiv:2409.05976, eq. 6; weights are on A alone.
 */
export function stacked(updates: readonly WeightedUpdate[]): LowRankUpdate {
  requirePairs(updates);
  const shares = sharesOf(updates.map(({ weight }) => weight));
  const { scale } = updates[0]!;
  return {
    a: stackRows(updates.map((update, k) => combineMatrices([(shares[k]! * update.scale) / scale], [update.a]))),
    b: transpose(stackRows(updates.map(({ b }) => transpose(b)))),
    scale,
  };
}
