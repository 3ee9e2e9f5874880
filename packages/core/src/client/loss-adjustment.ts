import { constant, greater, type Tensor, where } from "@anabranch/engine";
import { adjustedLogits, labelCounts, marginPenalty } from "../heterogeneity/index.ts";
import type { Model } from "../models/model.ts";

/** How the training loss of a classifier differs from cross-entropy. Evaluation has the plain loss. */
export interface LossAdjustment {
  /** tau, what the log of a class's count is multiplied by. */
  readonly strength: number;
  /** Counts of the classes in the whole federation, [C]; absent: each client's own. */
  readonly counts?: readonly number[] | undefined;
  /** lambda, the strength of FedLD's penalty on confident outputs. Default: none. */
  readonly margin?: number | undefined;
}

/**
 * Outputs of a model as its training loss takes them.
 *
 * @param labels of all examples of the client
 */
export function lossOutputs(
  { classes }: Model,
  labels: Tensor,
  adjustment: LossAdjustment | undefined,
): (outputs: Tensor) => Tensor {
  if (adjustment === undefined || adjustment.strength === 0) return (outputs) => outputs;
  const { strength, counts } = adjustment;
  const known = counts === undefined ? labelCounts(labels, classes) : constant(counts, [classes]);
  return (outputs) => adjustedLogits(outputs, known, strength);
}

/** What the training loss of a batch has beside the mean loss of its examples, a scalar; undefined where it has nothing. */
export function penaltyOf(
  outputs: Tensor,
  weights: Tensor,
  adjustment: LossAdjustment | undefined,
): Tensor | undefined {
  const { margin = 0 } = adjustment ?? {};
  return margin === 0 ? undefined : marginPenalty(outputs, margin, where(greater(weights, 0), 1, 0));
}
