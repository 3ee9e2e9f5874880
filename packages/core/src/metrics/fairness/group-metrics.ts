import { type Decomposition, decomposeDisparity } from "./decomposition.ts";
import { fairnessLimit } from "./fairness-limit.ts";
import type { Joint } from "./information.ts";

/** Test examples with what a model predicts for them; the arrays are [n]. */
export interface JudgedExamples {
  /** Client of each example, below `clientCount`. */
  readonly clients: ArrayLike<number>;
  readonly clientCount: number;
  /** Sensitive group of each example, below `groupCount`. */
  readonly groups: ArrayLike<number>;
  readonly groupCount: number;
  readonly labels: ArrayLike<number>;
  readonly predictions: ArrayLike<number>;
  /** Number of classes. */
  readonly classes: number;
}

/** How a model serves one group. */
export interface GroupMetrics {
  readonly examples: number;
  /** NaN without examples, as the rates are. */
  readonly accuracy: number;
  /** [classes] share of the group that is predicted to be of each class (of class 1: the selection rate). */
  readonly predicted: readonly number[];
  /** [classes] share of the group's examples of each class that are predicted right (of class 1: the true positive rate). */
  readonly recall: readonly number[];
}

/** A point of the trade-off: no model with at most these disparities has a higher accuracy. */
export interface LimitPoint {
  /** Bits. */
  readonly global: number;
  readonly local: number;
  readonly accuracy: number;
}

/** Accuracy and disparity of a model, group by group, beside the limit of every model. */
export interface GroupFairness {
  readonly accuracy: number;
  readonly groups: readonly GroupMetrics[];
  /** In bits. */
  readonly disparity: Decomposition;
  /** AGLFOP at shares of the model's own disparities, from 0 to 1; the last is what a model as unfair could reach. */
  readonly limits: readonly LimitPoint[] | undefined;
}

/** Shares of the model's disparities at which the limit is computed. */
const SHARES = [0, 0.25, 0.5, 0.75, 1];
/** Cells of client, group and label at most: the limit is a convex problem in as many variables. */
const MOST_CELLS = 200;

/**
 * Measures a model by group. The disparities are the information that predictions have of the group: over all examples,
 * and within clients.
 *
 * Citation: F. Hamman, S. Dutta. "Demystifying Local & Global Fairness Trade-offs in Federated Learning Using Partial
 * Information Decomposition". ICLR 2024, arXiv:2307.11333.
 *
 * @returns `limits` undefined where clients, groups and classes are too many for the convex problem
 * @example
 * ```ts
 * import { groupFairness } from "@anabranch/core";
 * const fair = groupFairness({
 *   ...{ clients: [0, 0, 0, 0], clientCount: 1, groups: [0, 0, 1, 1], groupCount: 2 },
 *   ...{ labels: [0, 1, 0, 1], predictions: [0, 0, 1, 1], classes: 2 },
 * });
 * fair.disparity.global; // => 1
 * fair.accuracy; // => 0.5
 * ```
 */
export function groupFairness(examples: JudgedExamples): GroupFairness {
  const { predictions, labels, groupCount, classes, clientCount } = examples;
  const n = predictions.length;
  const predicted = jointOf(examples, predictions);
  const disparity = decomposeDisparity(predicted);
  const right = Array.from(predictions).filter((prediction, i) => prediction === labels[i]).length;
  const isSmall = clientCount * groupCount * classes <= MOST_CELLS;
  return {
    accuracy: right / n,
    groups: Array.from({ length: groupCount }, (_, group) => metricsOf(examples, group)),
    disparity,
    limits: isSmall ? limitsOf(jointOf(examples, labels), disparity) : undefined,
  };
}

function limitsOf(distribution: Joint, { global, local }: Decomposition): LimitPoint[] {
  return SHARES.map((share) => {
    const point = { global: share * global, local: share * local };
    return {
      ...point,
      accuracy: fairnessLimit(distribution, { globalLimit: point.global, localLimit: point.local }),
    };
  });
}

/** Counts [client][group][value]. */
function jointOf({ clients, groups, clientCount, groupCount, classes }: JudgedExamples, values: ArrayLike<number>) {
  const counts = Array.from({ length: clientCount }, () =>
    Array.from({ length: groupCount }, () => new Array<number>(classes).fill(0)),
  );
  for (let i = 0; i < values.length; i++) counts[clients[i]!]![groups[i]!]![values[i]!]!++;
  return counts;
}

function metricsOf({ groups, labels, predictions, classes }: JudgedExamples, group: number): GroupMetrics {
  const predicted = new Array<number>(classes).fill(0);
  const all = new Array<number>(classes).fill(0);
  const right = new Array<number>(classes).fill(0);
  let examples = 0;
  for (let i = 0; i < labels.length; i++) {
    if (groups[i] !== group) continue;
    examples++;
    predicted[predictions[i]!]!++;
    all[labels[i]!]!++;
    if (predictions[i] === labels[i]) right[labels[i]!]!++;
  }
  return {
    examples,
    accuracy: right.reduce((a, b) => a + b, 0) / examples,
    predicted: predicted.map((count) => count / examples),
    recall: right.map((count, k) => count / all[k]!),
  };
}
