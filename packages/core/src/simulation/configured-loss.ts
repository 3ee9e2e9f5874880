import type { Algorithm } from "../algorithms/algorithm.ts";
import type { LossAdjustment } from "../client/loss-adjustment.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isRegression, type Model } from "../models/index.ts";
import { trainingCounts } from "./class-groups.ts";
import type { Federation } from "./federation.ts";

/**
 * The adjustment of the training loss. Throws `config/conflict` for models without classes, and where the counts of classes
 * would tell more than a guarantee covers.
 */
export function configuredLoss(
  { training: { loss }, privacy, secureAggregation }: Config,
  { privacy: needs }: Algorithm,
  model: Model,
  { statistics, dataset }: Federation,
): LossAdjustment | undefined {
  const { adjustment, strength, margin } = loss;
  const penalty = margin > 0 ? { margin: requirePenalty(margin, model) } : {};
  if (adjustment === "none") return margin > 0 ? { strength: 0, ...penalty } : undefined;
  const refuse = (received: string, expected: string, advice: string): never => {
    throw conflict("training.loss.adjustment", `"${adjustment}", with ${received}`, expected, advice);
  };
  if (isRegression(model)) refuse("numbers to predict", '"none"', "Numbers have no classes to count.");
  if (needs?.unit === "records") {
    refuse("record-level privacy", '"none"', "The gradient of a record would depend on the labels of others.");
  }
  if (adjustment === "client") return { strength, ...penalty };
  if (privacy.mechanism !== "none" || secureAggregation.protocol !== "none") {
    const advice = "The server would have to know how many examples of each class clients have. Use their own counts.";
    refuse("private updates", '"client"', advice);
  }
  if (model.labels.shape.length > 0)
    refuse("several labels per example", '"client"', "They are counted by clients alone.");
  if (dataset === undefined) refuse("synthetic clients", '"client"', "Their classes are not counted.");
  return { strength, counts: trainingCounts(statistics, model.classes), ...penalty };
}

/** The penalty is on the probabilities of classes, one list for each example. */
function requirePenalty(margin: number, model: Model): number {
  if (!isRegression(model) && model.labels.shape.length === 0) return margin;
  const received = `${margin}, with ${isRegression(model) ? "numbers to predict" : "several labels per example"}`;
  throw conflict(
    "training.loss.margin",
    received,
    "0",
    "The penalty needs the probabilities of one label per example.",
  );
}
