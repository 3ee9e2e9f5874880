import type { Executable, Program } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { EvaluationSums } from "../round/backend.ts";
import { evaluationBatches } from "./batches.ts";
import type { ClientData } from "./run-client.ts";
import { parameterInputs } from "./vectors.ts";

/** What evaluates a model, as plain data. */
export interface EvaluationPlan {
  readonly program: Program;
  readonly layout: Layout;
  readonly batchSize: number;
  readonly float: "float32" | "float64";
}

/** Sums of losses and scores over all rows of `data`. */
export async function runEvaluation(
  plan: EvaluationPlan,
  executable: Executable,
  parameters: Vector,
  data: ClientData,
): Promise<EvaluationSums> {
  const examples = data.features.shape[0]!;
  if (examples === 0) return { loss: 0, score: 0, examples: 0 };
  const { steps, indices, weights } = evaluationBatches(examples, plan.batchSize);
  const outputs = await executable.run({
    ...parameterInputs("parameters", parameters, plan.layout),
    "data/features": data.features,
    "data/labels": data.labels,
    "steps/indices": { dtype: "int32", shape: [steps, plan.batchSize], data: indices },
    "steps/weights": {
      dtype: "float",
      shape: [steps, plan.batchSize],
      data: plan.float === "float64" ? weights : Float32Array.from(weights),
    },
  });
  const total = (name: string) => (outputs[name]!.data as Float32Array).reduce((a, b) => a + b, 0); // either float type
  return { loss: total("losses"), score: total("scores"), examples };
}

/** Adds sums in the given order, which is the same for every number of workers. */
export function addSums(sums: readonly EvaluationSums[]): EvaluationSums {
  let [loss, score, examples] = [0, 0, 0];
  for (const s of sums) {
    loss += s.loss;
    score += s.score;
    examples += s.examples;
  }
  return { loss, score, examples };
}
