import type { nn, TensorType } from "@anabranch/engine";
import type { Model } from "./model.ts";

/** Types of what a program is given of a graph: v nodes, e edges. */
export function graphTypes({ features }: NonNullable<Model["graph"]>): Record<keyof nn.GraphContext, TensorType> {
  return {
    features: { dtype: "float", shape: ["v", features] },
    from: { dtype: "int32", shape: ["e"] },
    to: { dtype: "int32", shape: ["e"] },
    weights: { dtype: "float", shape: ["e"] },
  };
}

/** The model on a graph, whose nodes its examples then are. */
export function onGraph(model: Model, graph: nn.GraphContext | undefined): Model {
  if (graph === undefined) return model;
  return {
    ...model,
    forward: (parameters, nodes, context) => model.forward(parameters, nodes, { ...context, graph }),
  };
}
