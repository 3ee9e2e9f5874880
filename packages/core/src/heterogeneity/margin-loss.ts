import { add, log, mul, softmax, square, sum, type Tensor } from "@anabranch/engine";
import { crossEntropy } from "./losses.ts";

/**
 * Cross-entropy with FedLD's penalty on confident outputs: CE + lambda log(1 + |P|_F^2), with the softmax outputs P of the
 * batch [B, C].
 *
 * S. Zeng, P. Guo, S. Wang, J. Wang, Y. Zhou, L. Qu, "Tackling Data Heterogeneity in Federated Learning via Loss
 * Decomposition", MICCAI 2024, arXiv:2408.12300, as in the released code.
 *
 * @param logits [B, C]
 * @param labels [B] int32
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { lossWithMargin } from "@anabranch/core";
 * const loss = lossWithMargin(constant([0, 0], [1, 2]), constant([0], [1], "int32"), 1);
 * evaluate(loss).data; // => [1.09861]
 * ```
 */
export function lossWithMargin(logits: Tensor, labels: Tensor, lambda: number): Tensor {
  const confidence = sum(square(softmax(logits)));
  return add(crossEntropy(logits, labels), mul(lambda, log(add(1, confidence))));
}
