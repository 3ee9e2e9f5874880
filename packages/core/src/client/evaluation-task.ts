import { compileProgram, gather, mul, type Program, scan, sum, type Tensor, type TensorTree, trace } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import type { Layout } from "../params/layout.ts";
import { dataTypes, entryTypes } from "./local-task.ts";

/**
 * Compiles the evaluation of a model over batches of rows.
 *
 * Inputs: parameters/ENTRY; data/features [n, ...], data/labels [n, ...]; steps/indices [K, B], steps/weights [K, B]
 * (1 for a row that counts, 0 for padding). Outputs: losses [K] and scores [K], sums over each batch's rows.
 */
export function compileEvaluation(model: Model, layout: Layout, batchSize: number): Program {
  const graph = trace(
    (inputs) => {
      const parameters = inputs.parameters as ParameterTensors;
      const { outputs } = scan(
        (carry: TensorTree, step: { indices: Tensor; weights: Tensor }) => {
          const labels = gather(inputs.data.labels as Tensor, step.indices);
          const result = model.forward(parameters, gather(inputs.data.features as Tensor, step.indices), {});
          const total = (rows: Tensor) => sum(mul(rows, step.weights));
          return { carry, output: { losses: total(model.losses(result, labels)), scores: total(model.scores(result, labels)) } };
        },
        {},
        inputs.steps as { indices: Tensor; weights: Tensor },
      );
      return outputs as TensorTree;
    },
    {
      parameters: entryTypes(layout),
      data: dataTypes(model, "n"),
      steps: {
        indices: { dtype: "int32", shape: ["K", batchSize] },
        weights: { dtype: "float", shape: ["K", batchSize] },
      },
    },
  );
  return compileProgram(`evaluate-${model.name}`, graph);
}
