import { compileProgram, countFlops, type Executor, gather, type Program, type Tensor, trace } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import { type Model, singleLabelClasses } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { PreparedRun } from "./prepare.ts";

/** What a model predicts on the test set, in the order of its examples. */
export interface TestPredictions {
  /** [n] class of each example. */
  readonly labels: ArrayLike<number>;
  /** [n] predicted class. */
  readonly classes: Int32Array;
  /** [n] score of class 1 over class 0; of two classes alone. */
  readonly scores: readonly number[] | undefined;
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
  if (test.kind !== "arrays" || singleLabelClasses(model) === undefined) return undefined;
  const { batchSize } = simulation.evaluation;
  const program = compilePredictions(model, plan.layout, batchSize);
  const count = test.labels.data.length;
  const batches = Math.ceil(count / batchSize);
  if (program === undefined || batches * countFlops(program, { symbols: { n: count } }) > MOST_FLOPS) return undefined;
  const executable = await executor.load(program);
  const classes = new Int32Array(count);
  const scores: number[] = [];
  try {
    for (let batch = 0; batch < batches; batch++) {
      const rows = Int32Array.from({ length: batchSize }, (_, i) => Math.min(batch * batchSize + i, count - 1));
      const outputs = await executable.run({
        ...parameterInputs("parameters", parameters, plan.layout),
        features: test.features,
        rows: { dtype: "int32", shape: [batchSize], data: rows },
      });
      const logits = outputs["logits"]!.data;
      for (let row = batch * batchSize; row < Math.min(count, (batch + 1) * batchSize); row++) {
        const at = (row - batch * batchSize) * model.classes;
        classes[row] = indexOfLargest(logits, at, model.classes);
        if (model.classes === 2) scores.push(logits[at + 1]! - logits[at]!);
      }
    }
  } finally {
    await executable.release();
  }
  return { labels: test.labels.data, classes, scores: model.classes === 2 ? scores : undefined };
}

/** Logits of rows of the features; undefined where a model of a user's own gives something else. */
function compilePredictions(model: Model, layout: Layout, batch: number): Program | undefined {
  let isPlain = true;
  const graph = trace(
    (inputs) => {
      const logits = model.forward(
        inputs.parameters as ParameterTensors,
        gather(inputs.features as Tensor, inputs.rows as Tensor),
        {},
      );
      isPlain = logits.shape.length === 2 && logits.shape[1] === model.classes;
      return { logits };
    },
    {
      parameters: entryTypes(layout),
      features: { dtype: model.features.dtype, shape: ["n", ...model.features.shape] },
      rows: { dtype: "int32", shape: [batch] },
    },
  );
  return isPlain ? compileProgram(`predict-${model.name}`, graph) : undefined;
}

function indexOfLargest(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i]! > values[from + best]!) best = i;
  return best;
}
