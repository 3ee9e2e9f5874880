import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { LocalBudget } from "../client/batches.ts";
import type { DataSpec } from "../client/data-source.ts";
import type { EvaluationPlan } from "../client/evaluate.ts";
import { compileEvaluation } from "../client/evaluation-task.ts";
import { compileLocalTask, type TaskSettings } from "../client/local-task.ts";
import type { TaskPlan } from "../client/run-client.ts";
import type { Model } from "../models/model.ts";
import type { Layout } from "../params/layout.ts";
import { type PipelineSettings, uploadsOf } from "../pipeline/index.ts";

/** Where simulated clients' data and the test set come from. */
export interface SimulationSources {
  readonly train: DataSpec;
  /** Clients' own hold-out rows. */
  readonly holdout: DataSpec | undefined;
  /** The global test set in chunks of one evaluation batch, as the "clients" of a source. */
  readonly test: DataSpec;
}

/** Everything that runs and evaluates simulated clients, as plain data: what a worker receives once. */
export interface SimulationPlan extends SimulationSources {
  readonly task: TaskPlan;
  readonly evaluation: EvaluationPlan;
  /** Gradients of a mini-batch in one local step. */
  readonly gradientsPerStep: number;
}

/** What a plan is made of. */
export interface PlanParts {
  readonly algorithm: Algorithm;
  readonly model: Model;
  readonly layout: Layout;
  readonly payloads: Payloads;
  readonly float: "float32" | "float64";
  readonly training: TaskSettings;
  readonly budget: LocalBudget;
  readonly stages: PipelineSettings;
  readonly evaluationBatch: number;
  readonly sources: SimulationSources;
}

/** Traces and compiles the programs of a simulation. */
export function simulationPlan(parts: PlanParts): SimulationPlan {
  const { algorithm, model, layout, payloads, float, training, budget, stages, evaluationBatch } = parts;
  const { program, gradientsPerStep } = compileLocalTask(algorithm, model, payloads, training);
  return {
    gradientsPerStep,
    task: {
      program,
      float,
      batchSize: training.batchSize,
      budget,
      masks: model.masks,
      draws: algorithm.client.draws ?? {},
      broadcast: payloads.broadcast,
      ...uploadsOf(payloads, layout),
      clientState: payloads.clientState,
      stages,
    },
    evaluation: { program: compileEvaluation(model, layout, evaluationBatch), layout, batchSize: evaluationBatch },
    ...parts.sources,
  };
}
