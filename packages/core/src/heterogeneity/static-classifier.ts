import {
  acos,
  argmax,
  constant,
  div,
  evaluate,
  expandDims,
  gatherLast,
  greater,
  matmul,
  mean,
  mul,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "@anabranch/engine";
import { type ClassifierFit, fittedEntries } from "./fitted-entries.ts";

/**
 * A simplex equiangular tight frame, V = sqrt(C / (C - 1)) P (I - 11^T / C), [q, C]: columns of length 1 with pairwise
 * cosine -1 / (C - 1).
 *
 * @param basis P, [q, C] with orthonormal columns
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { simplexFrame } from "@anabranch/core";
 * evaluate(simplexFrame(constant([1, 0, 0, 1], [2, 2]))).data; // => [0.70711, -0.70711, -0.70711, 0.70711]
 * ```
 */
export function simplexFrame(basis: Tensor): Tensor {
  const classes = basis.shape[1] as number;
  return mul(Math.sqrt(classes / (classes - 1)), sub(basis, mean(basis, [1], true)));
}

/**
 * What FedLoGe minimises over the entries of its classifier that survive, a scalar:
 * sum_c (|v_c| - r)^2 - mean_c acos(max_{c' != c} cos(v_c, v_c')), at V * support. Other entries have gradient 0. Of equal
 * cosines the first class counts; a column without entries has cosine 0 to all.
 *
 * Z. Xiao, Z. Chen, L. Liu, Y. Feng, J. Wu, W. Liu, J. T. Zhou, H. H. Yang, Z. Liu, "FedLoGe: Joint Local and Generic
 * Federated Learning under Long-tailed Data", ICLR 2024, arXiv:2401.08977.
 *
 * @param classifier V, [q, C]
 * @param support [q, C] of 0 and 1
 * @param radius r, the length that columns should have
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { classifierObjective } from "@anabranch/core";
 * const axes = constant([1, 0, 0, 1], [2, 2]);
 * evaluate(classifierObjective(axes, constant([1, 1, 1, 1], [2, 2]), 1)).data; // => [-1.5708]
 * ```
 */
export function classifierObjective(classifier: Tensor, support: Tensor, radius: number): Tensor {
  const columns = transpose(mul(classifier, support), [1, 0]);
  const classes = columns.shape[0] as number;
  const squares = sum(square(columns), [1]);
  const isFilled = greater(squares, 0);
  // the root has no slope at 0
  const roots = sqrt(where(isFilled, squares, 1));
  const lengths = where(isFilled, roots, 0);
  const units = div(columns, expandDims(roots, 1));
  const own = Array.from({ length: classes ** 2 }, (_, k) => (k % (classes + 1) === 0 ? 1 : 0));
  const cosines = matmul(units, units, { transposeB: true });
  // below every cosine
  const others = where(greater(constant(own, [classes, classes]), 0), -3, cosines);
  const nearest = gatherLast(others, argmax(others, 1));
  return sub(sum(square(sub(lengths, radius))), mean(acos(nearest)));
}

/**
 * FedLoGe's classifier, which is broadcast once and never trained: the frame's surviving entries after steps of Adam on
 * `classifierObjective`, [q, C]. The released code keeps 40 % of the entries and takes 10,000 steps of rate 1e-4 with
 * radius 0.1.
 *
 * @param frame [q, C], see `simplexFrame`
 * @param support [q, C] of 0 and 1
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * import { staticClassifier } from "@anabranch/core";
 * const support = constant([1, 0, 0, 1], [2, 2]);
 * const fit = { radius: 1, steps: 0, learningRate: 0.01 };
 * evaluate(staticClassifier(constant([1, 2, 3, 4], [2, 2]), support, fit)).data; // => [1, 0, 0, 4]
 * ```
 */
export function staticClassifier(frame: Tensor, support: Tensor, fit: ClassifierFit): Tensor {
  const shape = frame.shape as readonly number[];
  const [kept, { data }] = [evaluate(support).data, evaluate(mul(frame, support))];
  return constant(Array.from(fittedEntries(Float64Array.from(data), kept, shape[1]!, fit)), shape);
}
