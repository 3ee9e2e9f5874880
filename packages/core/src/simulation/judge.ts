import type { Executor } from "@anabranch/engine";
import type { ClassScores } from "../aggregation/bristle.ts";
import type { Judge } from "../algorithms/algorithm.ts";
import { largestClient, openDataSource } from "../client/data-source.ts";
import { wholeModel } from "../round/whole-model.ts";
import { openPredictor, predictorSpec } from "./predictor.ts";
import type { PreparedRun } from "./prepare.ts";

/** A judge that holds a program and hold-outs. */
export interface OpenJudge {
  readonly judge: Judge;
  close(): Promise<void>;
}

/**
 * Opens what answers for simulated clients that judge models on their hold-outs, on this thread; undefined where the method
 * asks nothing. A client without a hold-out has no scores.
 *
 * @example
 * ```ts
 * import { openJudge, prepareRun, resolveConfig, rootKey, syntheticDataset } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 8, firstIndex });
 * const config = resolveConfig({
 *   ...{ data: { clients: 2, holdout: 0.5, partition: { scheme: "iid" } }, model: { name: "mlp", hidden: [3] } },
 *   ...{ algorithm: { name: "bristle" }, topology: { name: "complete" }, parameters: { frozen: ["*", "!head"] } },
 * });
 * const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
 * const prepared = prepareRun(config, { train: part(0), test: part(8) }, identity, 0, "example");
 * const open = await openJudge(prepared, interpreter());
 * const scores = await open?.judge({ client: 0, model: prepared.plan.initial });
 * scores?.size; // => 2
 * await open?.close();
 * ```
 */
export async function openJudge(
  { plan, simulation, model }: Pick<PreparedRun, "plan" | "simulation" | "model">,
  executor: Executor,
): Promise<OpenJudge | undefined> {
  const { holdout } = simulation;
  if (plan.algorithm.questions === undefined || holdout === undefined) return undefined;
  const batch = Math.min(simulation.evaluation.batchSize, Math.max(1, largestClient(holdout)));
  const spec = predictorSpec(model, simulation.evaluation.layout, batch);
  if (spec === undefined) return undefined;
  const source = openDataSource(holdout);
  const predictor = await openPredictor(spec, executor);
  return {
    async judge({ client, model: parameters }) {
      const { features, labels } = source.load(client);
      const { classes } = await predictor.predict(wholeModel(plan, parameters), features);
      return f1ByClass(labels.data, classes);
    },
    close: () => predictor.release(),
  };
}

/**
 * F1 = 2 TP / (2 TP + FP + FN) of each class that the labels have, in ascending order of classes.
 *
 * @example
 * ```ts
 * import { f1ByClass } from "@anabranch/core";
 * [...f1ByClass([0, 0, 1], [0, 1, 1])]; // => [[0, 2 / 3], [1, 2 / 3]]
 * ```
 */
export function f1ByClass(labels: ArrayLike<number>, predicted: ArrayLike<number>): ClassScores {
  const [examples, guesses, hits] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const count = (counts: Map<number, number>, c: number) => void counts.set(c, (counts.get(c) ?? 0) + 1);
  for (const [row, label] of Array.from(labels).entries()) {
    count(examples, label);
    count(guesses, predicted[row]!);
    if (predicted[row] === label) count(hits, label);
  }
  const classes = [...examples.keys()].sort((a, b) => a - b);
  return new Map(classes.map((c) => [c, (2 * (hits.get(c) ?? 0)) / (examples.get(c)! + (guesses.get(c) ?? 0))]));
}
