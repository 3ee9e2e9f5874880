import type { DataSpec } from "../client/data-source.ts";
import type { EvaluationPlan } from "../client/evaluate.ts";
import { compileEvaluation } from "../client/evaluation-task.ts";
import type { TaskPlan } from "../client/run-client.ts";
import { type TaskParts, taskPlan } from "../client/task-plan.ts";

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
export interface PlanParts extends TaskParts {
  readonly evaluationBatch: number;
  readonly sources: SimulationSources;
}

/** Traces and compiles the programs of a simulation. */
export function simulationPlan(parts: PlanParts): SimulationPlan {
  const { model, layout, evaluationBatch } = parts;
  return {
    ...taskPlan(parts),
    evaluation: { program: compileEvaluation(model, layout, evaluationBatch), layout, batchSize: evaluationBatch },
    ...parts.sources,
  };
}
