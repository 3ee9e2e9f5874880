import type { DataSpec } from "../client/data-source.ts";
import type { EvaluationPlan } from "../client/evaluate.ts";
import type { TaskPlan } from "../client/run-client.ts";

/** Everything that runs and evaluates simulated clients, as plain data: what a worker receives once. */
export interface SimulationPlan {
  readonly task: TaskPlan;
  readonly evaluation: EvaluationPlan;
  readonly train: DataSpec;
  /** Clients' own hold-out rows. */
  readonly holdout: DataSpec | undefined;
  /** The global test set in chunks of one evaluation batch, as the "clients" of a source. */
  readonly test: DataSpec;
}
