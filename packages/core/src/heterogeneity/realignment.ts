import {
  add,
  constant,
  div,
  expandDims,
  greater,
  mul,
  sqrt,
  square,
  stopGradient,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import { crossEntropy, headLogits, type LinearHead } from "./losses.ts";

/** A FedLoGe client's heads beside its features: the fixed classifier, the shared head and its own. */
export interface ThreeHeads {
  /** V^T, weight [C, q]; never trained, nor is its bias. */
  readonly fixed: LinearHead;
  readonly shared: LinearHead;
  readonly own: LinearHead;
}

/**
 * FedLoGe's losses of a batch: features learn under the fixed classifier alone, and both heads on features that pass no
 * gradient on. The gradients of the sum are those of the three terms, each by its own parameters.
 *
 * Z. Xiao, Z. Chen, L. Liu, Y. Feng, J. Wu, W. Liu, J. T. Zhou, H. H. Yang, Z. Liu, "FedLoGe: Joint Local and Generic
 * Federated Learning under Long-tailed Data", ICLR 2024, arXiv:2401.08977.
 *
 * @param features [B, q]
 * @param labels [B] int32
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { detachedHeadLosses } from "@anabranch/core";
 * const zero = { weight: constant([0, 0], [2, 1]) };
 * const heads = { fixed: zero, shared: zero, own: zero };
 * const { features } = detachedHeadLosses(constant([3], [1, 1]), constant([1], [1], "int32"), heads);
 * evaluate(features).data; // => [0.69315]
 * ```
 */
export function detachedHeadLosses(
  features: Tensor,
  labels: Tensor,
  { fixed, shared, own }: ThreeHeads,
): Readonly<Record<"features" | "shared" | "own", Tensor>> {
  const still = stopGradient(features);
  const weight = stopGradient(fixed.weight);
  const frozen = fixed.bias === undefined ? { weight } : { weight, bias: stopGradient(fixed.bias) };
  return {
    features: crossEntropy(headLogits(frozen, features), labels),
    shared: crossEntropy(headLogits(shared, still), labels),
    own: crossEntropy(headLogits(own, still), labels),
  };
}

/** Lengths of the rows, [C]; a row of zeros has length 0. */
function rowLengths(weight: Tensor): Tensor {
  return sqrt(sum(square(weight), [1]));
}

/**
 * FedLoGe's head for everybody after training: all rows as long as `scale`, so that common classes have no longer ones,
 * [C, q]. A row of zeros stays.
 *
 * @param weight G, [C, q]
 * @param scale 1.7 in the released code
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { realignedWeight } from "@anabranch/core";
 * evaluate(realignedWeight(constant([3, 4, 0, 0], [2, 2]), 10)).data; // => [6, 8, 0, 0]
 * ```
 */
export function realignedWeight(weight: Tensor, scale: number): Tensor {
  const lengths = rowLengths(weight);
  return mul(weight, expandDims(div(scale, where(greater(lengths, 0), lengths, 1)), 1));
}

/**
 * FedLoGe's logits of a client after training, L f + diag(|L_c|) G f and both biases, [B, C]: rows of the shared head
 * count as much as the client's own rows say. Classes that the client did not train on have minus infinity; all weights
 * stay finite. The released code takes those classes from test labels, which leaks.
 *
 * @param features [B, q]
 * @param trainCounts training examples of each class, [C]
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { realignedLogits } from "@anabranch/core";
 * const [own, shared] = [{ weight: constant([2, 1], [2, 1]) }, { weight: constant([5, 5], [2, 1]) }];
 * evaluate(realignedLogits(constant([1], [1, 1]), own, shared, [8, 3])).data; // => [12, 6]
 * ```
 */
export function realignedLogits(
  features: Tensor,
  own: LinearHead,
  shared: LinearHead,
  trainCounts: readonly number[],
): Tensor {
  const scaled = mul(shared.weight, expandDims(rowLengths(own.weight), 1));
  const aligned = shared.bias === undefined ? { weight: scaled } : { weight: scaled, bias: shared.bias };
  const logits = add(headLogits(own, features), headLogits(aligned, features));
  return where(greater(constant(trainCounts, [trainCounts.length]), 0), logits, Number.NEGATIVE_INFINITY);
}
