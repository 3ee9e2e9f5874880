import {
  add,
  div,
  exp,
  logSoftmax,
  mean,
  mul,
  softmaxCrossEntropy,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "@anabranch/engine";

/** How a student follows its teacher. */
export interface DistillationOptions {
  /** T. Default 3. */
  readonly temperature?: number | undefined;
  /** Share w of the distance to the teacher in the loss. Default 0.5. */
  readonly kdWeight?: number | undefined;
}

/**
 * T^2 KL(softmax(teacher / T) || softmax(student / T)), its mean over the batch. The teacher has no gradient.
 *
 * @param student logits [N, classes]
 * @param teacher logits [N, classes]
 *
 * @example
 * ```ts
 * import { distillation } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [student, teacher] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
 * evaluate(distillation(student, teacher, 1)).data; // => [0.6931]
 * ```
 */
export function distillation(student: Tensor, teacher: Tensor, temperature: number): Tensor {
  return mean(distillations(student, teacher, temperature));
}

/** The same of each example, [N]. */
function distillations(student: Tensor, teacher: Tensor, temperature: number): Tensor {
  const target = logSoftmax(div(stopGradient(teacher), temperature));
  const prediction = logSoftmax(div(student, temperature));
  return mul(temperature * temperature, sum(mul(exp(target), sub(target, prediction)), [1]));
}

/**
 * FedDAT's loss of one adapter: (1 - w) cross-entropy + w distance to the teacher. The shared adapter follows the dual
 * teacher (the mean of the local adapter and a frozen copy of the shared one); the local one follows the shared adapter.
 *
 * Citation: H. Chen et al., "FedDAT: An Approach for Foundation Model Finetuning in Multi-Modal Heterogeneous Federated
 * Learning", AAAI 2024, arXiv:2308.12305, eqs. 5 and 6; w = 0.5 as in the released code.
 * @param student logits [N, classes]
 * @param labels int32 [N]
 *
 * @example
 * ```ts
 * import { taughtLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const student = constant([0, 0], [1, 2]);
 * const teacher = constant([100, 0], [1, 2]);
 * const label = constant([0], [1], "int32");
 * evaluate(taughtLoss(student, teacher, label, { temperature: 1, kdWeight: 0.5 })).data; // => [0.6931]
 * ```
 */
export function taughtLoss(
  student: Tensor,
  teacher: Tensor,
  labels: Tensor,
  options: DistillationOptions = {},
): Tensor {
  return mean(taughtLosses(softmaxCrossEntropy(student, labels), student, teacher, options));
}

/** The same of each example, [N], from its task loss. */
export function taughtLosses(
  task: Tensor,
  student: Tensor,
  teacher: Tensor,
  { temperature = 3, kdWeight = 0.5 }: DistillationOptions,
): Tensor {
  return add(mul(1 - kdWeight, task), mul(kdWeight, distillations(student, teacher, temperature)));
}
