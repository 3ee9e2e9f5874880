import {
  argmax,
  compileProgram,
  gather,
  type Program,
  scan,
  type Tensor,
  type TensorTree,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import { dataTypes } from "./local-task.ts";

/**
 * Compiles the evaluation of a model over batches of rows.
 *
 * Inputs: parameters/ENTRY; data/features [n, ...], data/labels [n, ...]; indices [K, B], rows of the data.
 * Outputs: losses [K, B] and scores [K, B], one for each row; with `predicts` also predictions [K, B], the likeliest class.
 *
 * @example
 * ```ts
 * import { compileEvaluation, layout, logistic } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * const { outputs } = compileEvaluation(model, layout(model.parameters), 8);
 * outputs.map(({ name }) => name); // => ["losses", "scores"]
 * ```
 */
export function compileEvaluation(model: Model, layout: Layout, batchSize: number, predicts = false): Program {
  const graph = trace(
    (inputs) => {
      const parameters = inputs.parameters as ParameterTensors;
      const { outputs } = scan(
        (carry: TensorTree, rows: Tensor) => {
          const labels = gather(inputs.data.labels as Tensor, rows);
          const result = model.forward(parameters, gather(inputs.data.features as Tensor, rows), {});
          const output = { losses: model.losses(result, labels), scores: model.scores(result, labels) };
          return { carry, output: { ...output, ...(predicts && { predictions: argmax(result, 1) }) } };
        },
        {},
        inputs.indices as Tensor,
      );
      return outputs as TensorTree;
    },
    {
      parameters: entryTypes(layout),
      data: dataTypes(model, "n"),
      indices: { dtype: "int32", shape: ["K", batchSize] },
    },
  );
  return compileProgram(`evaluate-${model.name}`, graph);
}
