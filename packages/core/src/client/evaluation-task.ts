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
import { onGraph } from "../models/on-graph.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { TaskData } from "./representations.ts";
import { dataTypes } from "./task-types.ts";

/**
 * Compiles the evaluation of a model over batches of rows.
 *
 * Inputs: parameters/ENTRY; data/features [n, ...], data/labels [n, ...], of models of nodes data/graph/...; indices [K, B], rows of the data.
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
      const data = inputs.data as unknown as TaskData;
      const results = resultsOf(model, parameters, data);
      const { outputs } = scan(
        (carry: TensorTree, rows: Tensor) => {
          const labels = gather(data.labels, rows);
          const result = results(rows);
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

/** Outputs for rows of the data. Those of nodes come from one pass over the whole graph. */
function resultsOf(
  model: Model,
  parameters: ParameterTensors,
  { features, graph }: TaskData,
): (rows: Tensor) => Tensor {
  if (graph === undefined) return (rows) => model.forward(parameters, gather(features, rows), {});
  const all = onGraph(model, graph).forward(parameters, features, {});
  return (rows) => gather(all, rows);
}
