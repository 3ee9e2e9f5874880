import { add, cast, log, maximum, mul, oneHot, sum, type Tensor } from "@anabranch/engine";

/**
 * Logits raised by tau log n_c, with the number n_c of examples of each class: trained so and used without, a classifier
 * does not favour common classes. With tau = 1 the cross-entropy of these logits is the balanced softmax. A class without
 * examples counts as one with a single example.
 *
 * A. K. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, arXiv:2007.07314, equation 10; J. Ren et al.,
 * "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS 2020. With the counts of a client as in J. Zhang et
 * al., "Federated Learning with Label Distribution Skew via Logits Calibration", ICML 2022, who take -tau n_c^(-1/4).
 *
 * @param logits [..., C]
 * @param counts [C]
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { adjustedLogits } from "@anabranch/core";
 * const counts = constant([1, Math.E, 0], [3]);
 * evaluate(adjustedLogits(constant([5, 5, 5], [1, 3]), counts, 1)).data; // => [5, 6, 5]
 * ```
 */
export function adjustedLogits(logits: Tensor, counts: Tensor, tau: number): Tensor {
  return add(logits, mul(tau, log(maximum(counts, 1))));
}

/**
 * How often each class occurs, [C].
 *
 * @param labels of any shape, uint8 or int32
 *
 * @example
 * ```ts
 * import { labelCounts } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(labelCounts(constant([0, 2, 2], [3], "int32"), 3)).data; // => [1, 0, 2]
 * ```
 */
export function labelCounts(labels: Tensor, classes: number): Tensor {
  const chosen = oneHot(labels.dtype === "int32" ? labels : cast(labels, "int32"), classes);
  return sum(
    chosen,
    chosen.shape.slice(0, -1).map((_, axis) => axis),
  );
}
