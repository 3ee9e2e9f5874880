import {
  compileProgram,
  countFlops,
  gradients,
  mul,
  type Program,
  sum,
  type TensorType,
  trace,
} from "@anabranch/engine";
import type { SplitTraining } from "../heterogeneity/split-training.ts";
import type { Model } from "../models/model.ts";
import { type CutSettings, cutModel } from "../models/model-cut.ts";
import { entryTypes, layout } from "../params/layout.ts";
import { type DataSpec, meanExamples } from "./data-source.ts";
import type { TaskSpec } from "./run-client.ts";
import { type TaskFlops, taskFlops } from "./task-flops.ts";

/** Work of split training by side. */
export interface SplitFlops extends TaskFlops {
  /** FLOPs of the server in one step of one client: the body, there and back. */
  readonly serverFlopsPerStep: number;
}

/**
 * Counts a task of split training: the client's FLOPs are those of the task without the body, which the server computes in
 * each step. `flopsPerTask` has scores and passes through the client's own parts, of the mean number of examples.
 */
export function splitFlops(
  task: Pick<TaskSpec, "program" | "draws" | "batchSize">,
  model: Model,
  split: SplitTraining,
  data: DataSpec,
): SplitFlops {
  const serverFlopsPerStep = countFlops(bodyThereAndBack(model, split, task.batchSize), { symbols: {} });
  const n = Math.round(meanExamples(data));
  const H = split.localLossEpochs * Math.ceil(n / task.batchSize);
  const { flopsPerStep, flopsPerTask } = taskFlops(task, data, { n, H });
  return { flopsPerTask, flopsPerStep: flopsPerStep - serverFlopsPerStep, serverFlopsPerStep };
}

/** What the server computes in a step: z from h, and dh from dz. Nothing of the way there is computed twice. */
function bodyThereAndBack(model: Model, cut: CutSettings, rows: number): Program {
  const { body, activation } = cutModel(model, cut);
  const at: TensorType = { dtype: "float", shape: [rows, ...activation] };
  const types = { parameters: entryTypes(layout(body.parameters)), h: at, dz: at };
  const graph = trace(({ parameters, h, dz }) => {
    const z = body.apply(parameters, h);
    return { z, dh: gradients(sum(mul(z, dz)), h) };
  }, types);
  return compileProgram(`body-${model.name}`, graph);
}
