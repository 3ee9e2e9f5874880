import type { Executor } from "@anabranch/engine";
import { singleLabelClasses } from "../models/model.ts";
import type { Vector } from "../params/vector.ts";
import { openPredictor, type Predictions, predictionFlops, predictorSpec } from "./predictor.ts";
import type { PreparedRun } from "./prepare.ts";

/** What a model predicts on the test set, in the order of its examples. */
export interface TestPredictions extends Predictions {
  /** [n] class of each example. */
  readonly labels: ArrayLike<number>;
}

/** Floating-point operations at most: a few seconds on one core. */
const MOST_FLOPS = 2e11;

/**
 * Predicts the class of every test example. Undefined where examples have no single label, where it would take long,
 * where the run evaluates nothing, and where the test examples are clients' own and the run is private.
 *
 * @example
 * ```ts
 * import { predictTest, prepareRun, resolveConfig, rootKey, syntheticDataset } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
 * const config = resolveConfig({
 *   data: { clients: 2, partition: { scheme: "iid" } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 * });
 * const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
 * const run = prepareRun(config, { train: part(0), test: part(6) }, identity, 0, "example");
 * (await predictTest(run, run.plan.initial, interpreter()))?.classes.length; // => 6
 * ```
 */
export async function predictTest(
  { model, plan, simulation }: PreparedRun,
  parameters: Vector,
  executor: Executor,
): Promise<TestPredictions | undefined> {
  const { test } = simulation;
  // without evaluation a private run says nothing of whose the test examples are
  if (plan.evaluateEvery === 0 || plan.account?.testOnClients === true) return undefined;
  if (test.kind !== "arrays" || test.graph !== undefined || singleLabelClasses(model) === undefined) return undefined;
  const spec = predictorSpec(model, plan.layout, simulation.evaluation.batchSize);
  if (spec === undefined || predictionFlops(spec, test.labels.data.length) > MOST_FLOPS) return undefined;
  const predictor = await openPredictor(spec, executor);
  try {
    return { labels: test.labels.data, ...(await predictor.predict(parameters, test.features)) };
  } finally {
    await predictor.release();
  }
}
