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
  return add(crossEntropy(logits, labels), marginPenalty(logits, lambda));
}

/**
 * FedLD's penalty alone, lambda log(1 + |P|_F^2), a scalar.
 *
 * @param logits [B, C]
 * @param counts [B], 1 for a row that counts and 0 for padding; default: all count
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { marginPenalty } from "@anabranch/core";
 * const logits = constant([0, 0, 5, 9], [2, 2]);
 * evaluate(marginPenalty(logits, 1, constant([1, 0], [2]))).data; // => [0.40547]
 * ```
 */
export function marginPenalty(logits: Tensor, lambda: number, counts?: Tensor): Tensor {
  const rows = sum(square(softmax(logits)), [1]);
  return mul(lambda, log(add(1, sum(counts === undefined ? rows : mul(rows, counts)))));
}
