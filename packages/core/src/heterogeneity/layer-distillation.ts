import { add, div, mul, type Tensor } from "@anabranch/engine";
import { crossEntropy, distillation, headLogits, type LinearHead } from "./losses.ts";

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
 * Loss of the server's head of one stage on class means of clients: CE + lambda KL(p || softmax(head(z) / T)).
 *
 * S. M. Atapour et al., "FedD2S: Personalized Data-Free Federated Knowledge Distillation", 2024, arXiv:2402.10846. A
 * reconstruction from the abstract.
 *
 * @param rows features: z, class means of the stage's outputs [n, q]; labels [n] int32; soft: p, the clients' own soft
 *   labels [n, C]
 *
 * @example
 * ```ts
 * import { stageHeadLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const head = { weight: constant([0, 0], [2, 1]) };
 * const labels = constant([0], [1], "int32");
 * const rows = { features: constant([1], [1, 1]), labels, soft: constant([0.5, 0.5], [1, 2]) };
 * evaluate(stageHeadLoss(head, rows, { temperature: 1, weight: 2 })).data; // => [0.6931]
 * ```
 */
export function stageHeadLoss(
  head: LinearHead,
  { features, labels, soft }: { readonly features: Tensor; readonly labels: Tensor; readonly soft: Tensor },
  { temperature, weight }: { readonly temperature: number; readonly weight: number },
): Tensor {
  const logits = headLogits(head, features);
  return add(crossEntropy(logits, labels), mul(weight, distillation(soft, logits, temperature)));
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
  const terms = soft.map((target) => distillation(target, logits, temperature));
  return add(
    loss,
    mul(
      weight,
      div(
        terms.reduce((a, b) => add(a, b)),
        terms.length,
      ),
    ),
  );
}
