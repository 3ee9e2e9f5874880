import type { DataSpec } from "../client/data-source.ts";
import type { EvaluationSpec } from "../client/evaluate.ts";
import { compileEvaluation } from "../client/evaluation-task.ts";
import type { TaskSpec } from "../client/run-client.ts";
import { type TaskParts, taskSpec } from "../client/task-spec.ts";
import { singleLabelClasses } from "../models/model.ts";
import type { LabelledExamples } from "./public-examples.ts";

/** Where simulated clients' data and the test set come from. */
export interface SimulationSources {
  readonly train: DataSpec;
  /** Clients' own hold-out rows. */
  readonly holdout: DataSpec | undefined;
  /** The global test set in chunks of one evaluation batch, as the "clients" of a source. */
  readonly test: DataSpec;
  /** Test examples that show what an attack on data has achieved, with the labels that attackers want; see `attackTest`. */
  readonly attackTest?: DataSpec | undefined;
  /** The public examples; their labels are for servers that train on them alone. */
  readonly publicSet?: LabelledExamples | undefined;
}

/** Everything that runs and evaluates simulated clients, as plain data: what a worker receives once. */
export interface SimulationSpec extends Omit<SimulationSources, "publicSet"> {
  readonly task: TaskSpec;
  readonly evaluation: EvaluationSpec;
  /** Gradients of a mini-batch in one local step. */
  readonly gradientsPerStep: number;
}

/** What a plan is made of. */
export interface SimulationParts extends TaskParts {
  readonly evaluationBatch: number;
  readonly sources: SimulationSources;
}

/** Traces and compiles the programs of a simulation. */
export function simulationSpec(parts: SimulationParts): SimulationSpec {
  const { model, held, evaluationBatch, algorithm } = parts;
  const { publicSet, ...sources } = parts.sources;
  const layout = held?.split.whole ?? parts.layout;
  const shared = algorithm.usesPublicExamples === true ? publicSet?.features : undefined;
  return {
    ...taskSpec({ ...parts, publicFeatures: shared }),
    evaluation: {
      program: compileEvaluation(model, layout, evaluationBatch, parts.training.openWorld !== undefined),
      layout,
      held,
      batchSize: evaluationBatch,
      classes: singleLabelClasses(model),
    },
    ...sources,
  };
}
