import { add, mean, mul, type Tensor } from "@anabranch/engine";
import { crossEntropy, stageDivergences } from "./losses.ts";

/** When FedD2S drops stages of a model from its federation. */
export interface DropSchedule {
  readonly stages: number;
  /** Rounds after which the deepest stage of those left is dropped. */
  readonly dropEvery: number;
  readonly minimumStages: number;
}

/**
 * Stages that are in the federation in a round, 1 to ...: the deepest leaves every `dropEvery` rounds, and `minimumStages`
 * stay.
 *
 * @param round counts from 0
 * @example
 * ```ts
 * import { activeStages } from "@anabranch/core";
 * activeStages(3, { stages: 3, dropEvery: 2, minimumStages: 1 }); // => [1, 2]
 * ```
 */
export function activeStages(round: number, { stages, dropEvery, minimumStages }: DropSchedule): number[] {
  const count = Math.min(stages, Math.max(minimumStages, stages - Math.floor(round / dropEvery)));
  return Array.from({ length: count }, (_, stage) => stage + 1);
}

/**
 * Loss of a client: CE + lambda / |A| sum over the active stages of KL(s_l || softmax(logits / T)), with the soft labels
 * s_l that the server's heads gave.
 *
 * @param logits [B, C]
 * @param labels [B] int32
 * @param soft s_l for each active stage, [B, C]
 *
 * @example
 * ```ts
 * import { stageDistillationLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [logits, sure] = [constant([0, 0], [1, 2]), constant([1, 0], [1, 2])];
 * const loss = stageDistillationLoss(logits, constant([0], [1], "int32"), [sure], { temperature: 1, weight: 2 });
 * evaluate(loss).data; // => [2.0794]
 * ```
 */
export function stageDistillationLoss(
  logits: Tensor,
  labels: Tensor,
  soft: readonly Tensor[],
  { temperature, weight }: { readonly temperature: number; readonly weight: number },
): Tensor {
  const loss = crossEntropy(logits, labels);
  if (soft.length === 0) return loss;
  return add(loss, mul(weight, mean(stageDivergences(logits, soft, temperature, soft.length))));
}
