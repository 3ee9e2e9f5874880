import { compileProgram, countFlops, type Executor, gather, type Program, type Tensor, trace } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
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

/** Classes at most: the table of more cannot be read. */
const MOST_CLASSES = 200;
/** Floating-point operations at most: a few seconds on one core. */
const MOST_FLOPS = 2e11;

/**
 * Predicts the class of every test example with a model. Undefined where examples have no single label, where it would take
 * long, where the run evaluates nothing, and where the test examples are clients' own and the run is private.
 *
 * @param parameters of the whole model, frozen and personal ones among them
 */
export async function classMetrics(
  { model, plan, federation, simulation }: PreparedRun,
  parameters: Vector,
  executor: Executor,
): Promise<ClassMetrics | undefined> {
  const { test } = simulation;
  const isPlain = model.labels.shape.length === 0 && model.classes >= 2 && model.classes <= MOST_CLASSES;
  // without evaluation a private run says nothing of whose the test examples are
  if (plan.evaluateEvery === 0 || plan.account?.testOnClients === true) return undefined;
  if (test.kind !== "arrays" || !isPlain) return undefined;
  const { batchSize } = simulation.evaluation;
  const layout = plan.held?.split.whole ?? plan.layout;
  const program = compilePredictions(model, layout, batchSize);
  const count = test.labels.data.length;
  const batches = Math.ceil(count / batchSize);
  if (program === undefined || batches * countFlops(program, { symbols: { n: count } }) > MOST_FLOPS) return undefined;
  const executable = await executor.load(program);
  const confusion = Array.from({ length: model.classes }, () => new Array<number>(model.classes).fill(0));
  const scores: number[] = [];
  try {
    for (let batch = 0; batch < batches; batch++) {
      const rows = Int32Array.from({ length: batchSize }, (_, i) => Math.min(batch * batchSize + i, count - 1));
      const outputs = await executable.run({
        ...parameterInputs("parameters", parameters, layout),
        features: test.features,
        rows: { dtype: "int32", shape: [batchSize], data: rows },
      });
      const logits = outputs["logits"]!.data;
      for (let row = batch * batchSize; row < Math.min(count, (batch + 1) * batchSize); row++) {
        const at = (row - batch * batchSize) * model.classes;
        confusion[test.labels.data[row]!]![indexOfLargest(logits, at, model.classes)]!++;
        if (model.classes === 2) scores.push(logits[at + 1]! - logits[at]!);
      }
    }
  } finally {
    await executable.release();
  }
  const classNames = federation.dataset?.train.classNames;
  return {
    examples: count,
    ...(classNames === undefined ? {} : { classNames }),
    confusion,
    ...(model.classes === 2 ? { auc: areaUnderCurve(scores, test.labels.data) } : {}),
  };
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
