import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import type { Layout } from "../params/layout.ts";
import { feedbackState, type PipelineSettings, uploadsOf } from "../pipeline/index.ts";
import type { LocalBudget } from "./batches.ts";
import { compileLocalTask, type TaskSettings } from "./local-task.ts";
import type { TaskSpec } from "./run-client.ts";

/** What the tasks of a run are made of. */
export interface TaskParts {
  readonly algorithm: Algorithm;
  readonly model: Model;
  readonly layout: Layout;
  readonly payloads: Payloads;
  readonly float: "float32" | "float64";
  readonly training: TaskSettings;
  readonly budget: LocalBudget;
  readonly stages: PipelineSettings;
}

/** Traces and compiles what a client runs; the same parts give the same program everywhere. */
export function taskSpec(parts: TaskParts): { readonly task: TaskSpec; readonly gradientsPerStep: number } {
  const { algorithm, model, layout, payloads, float, training, budget, stages } = parts;
  const { program, gradientsPerStep } = compileLocalTask(algorithm, model, payloads, training);
  const task: TaskSpec = {
    program,
    float,
    batchSize: training.batchSize,
    budget,
    masks: model.masks,
    draws: algorithm.client.draws ?? {},
    broadcast: payloads.broadcast,
    ...ownVectors(payloads),
    ...uploadsOf(payloads, layout),
    clientState: { ...payloads.clientState, ...feedbackState(stages.compression, payloads) },
    stages,
  };
  return { task, gradientsPerStep };
}

function ownVectors({ own, broadcast }: Payloads): Pick<TaskSpec, "own"> {
  return own === undefined ? {} : { own: Object.fromEntries(own.map((name) => [name, broadcast[name]!])) };
}
