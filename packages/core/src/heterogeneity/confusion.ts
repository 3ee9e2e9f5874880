import {
  cast,
  expandDims,
  matmul,
  mul,
  oneHot,
  sigmoid,
  softmax,
  stopGradient,
  sub,
  sum,
  type Tensor,
  truncatedSvd,
} from "@anabranch/engine";

/** Added to the share of each class before the inverse root is taken. */
const SMOOTHING = 0.2;

/** A soft confusion matrix as sums, which of several batches add up. */
export interface ConfusionSums {
  /** Row i, column j: how much examples of class j look like class i, [C, C]; 0 on the diagonal. */
  readonly sums: Tensor;
  /** Examples of each class, [C]. */
  readonly counts: Tensor;
}

/**
 * How much examples of class j look like class i: sums over them of sigmoid(z_i - z_j) p_i, with the logits z, their softmax
 * p, and a gradient through p alone.
 *
 * Z. Zhu et al., "Confusion-Aware Spectral Regularizer for Long-Tailed Recognition", CVPR 2026, arXiv:2603.16732, as in the
 * released code.
 *
 * @param logits [B, C]
 * @param labels [B], uint8 or int32
 * @param counts [B], 1 for a row that counts and 0 for padding
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { confusionSums } from "@anabranch/core";
 * const { sums } = confusionSums(constant([0, 0], [1, 2]), constant([1], [1], "int32"), constant([1], [1]));
 * evaluate(sums).data; // => [0, 0.25, 0, 0]
 * ```
 */
export function confusionSums(logits: Tensor, labels: Tensor, counts: Tensor): ConfusionSums {
  const truth = oneHot(labels.dtype === "int32" ? labels : cast(labels, "int32"), logits.shape[1] as number);
  const own = sum(mul(logits, truth), [1]);
  const gate = stopGradient(sigmoid(sub(logits, expandDims(own, 1))));
  const others = sub(1, truth);
  const counted = mul(truth, expandDims(counts, 1));
  const sums = matmul(mul(mul(gate, softmax(logits)), others), counted, { transposeA: true });
  return { sums, counts: sum(counted, [0]) };
}

/**
 * The direction in which the spectral norm of a weighted confusion matrix falls: the gradient of |C diag(w)|_2 by C, [C, C].
 * Column j of C is that of class j over its number of examples, and w_j = 1 / sqrt(share of class j + 0.2), mean 1. Zeros
 * where nothing is confused.
 *
 * @param sums [C, C], row-major
 * @param counts [C]
 * @example
 * ```ts
 * import { confusionDirection } from "@anabranch/core";
 * Array.from(confusionDirection([0, 1, 0, 0], [2, 2])); // => [0, 1, 0, 0]
 * ```
 */
export function confusionDirection(sums: ArrayLike<number>, counts: ArrayLike<number>): Float64Array {
  const classes = counts.length;
  const total = Array.from(counts).reduce((a, b) => a + b, 0);
  const roots = Array.from(counts, (count) => 1 / Math.sqrt(count / Math.max(total, 1) + SMOOTHING));
  const mean = roots.reduce((a, b) => a + b, 0) / classes;
  const weight = (j: number) => roots[j]! / mean;
  const weighted = Float64Array.from({ length: classes * classes }, (_, k) => {
    const j = k % classes;
    return counts[j]! === 0 ? 0 : (sums[k]! / counts[j]!) * weight(j);
  });
  const { left, values, right } = truncatedSvd(weighted, classes, classes, 1);
  if (values[0] === 0) return weighted;
  return weighted.map((_, k) => left[Math.floor(k / classes)]! * right[k % classes]! * weight(k % classes));
}
