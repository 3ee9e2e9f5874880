import type { Executor } from "@anabranch/engine";
import type { Vector } from "../params/vector.ts";
import { predictTest } from "./predictions.ts";
import type { PreparedRun } from "./prepare.ts";

/** What the final model predicts on the test set, by class. */
export interface ClassMetrics {
  readonly examples: number;
  readonly classNames?: readonly string[];
  /** Examples by class and predicted class, [classes][classes]. */
  readonly confusion: readonly (readonly number[])[];
  /** Area under the ROC curve of class 1; of two classes alone. */
  readonly auc?: number;
}

/**
 * Counts what a model predicts on the test set; undefined where `predictTest` predicts nothing.
 *
 * @example
 * ```ts
 * import { classMetrics } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { prepared } = smallRun({ name: "fedavg" });
 * const metrics = await classMetrics(prepared, prepared.plan.initial, interpreter());
 * metrics?.confusion; // => [[3, 0, 0], [6, 0, 0], [0, 0, 0]]
 * ```
 */
export async function classMetrics(
  prepared: PreparedRun,
  parameters: Vector,
  executor: Executor,
): Promise<ClassMetrics | undefined> {
  const predicted = await predictTest(prepared, parameters, executor);
  if (predicted === undefined) return undefined;
  const { labels, classes, scores } = predicted;
  const count = prepared.model.classes;
  const confusion = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (const [row, predictedClass] of classes.entries()) confusion[labels[row]!]![predictedClass]!++;
  const classNames = prepared.federation.dataset?.train.classNames;
  return {
    examples: classes.length,
    ...(classNames === undefined ? {} : { classNames }),
    confusion,
    ...(scores === undefined ? {} : { auc: areaUnderCurve(scores, labels) }),
  };
}

/**
 * The probability that a random example of class 1 has a higher score than one of class 0, ties counting half
 * (J. Hanley and B. McNeil, 1982). NaN where a class has no example.
 *
 * @param scores [n]; @param labels [n], 0 or 1
 * @example
 * ```ts
 * import { areaUnderCurve } from "@anabranch/core";
 * areaUnderCurve([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0]); // => 1
 * ```
 */
export function areaUnderCurve(scores: readonly number[], labels: ArrayLike<number>): number {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let [ranks, positives] = [0, 0];
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    for (const i of order.slice(from, to)) {
      if (labels[i] !== 1) continue;
      ranks += (from + 1 + to) / 2;
      positives++;
    }
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (scores.length - positives));
}
