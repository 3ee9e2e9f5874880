import { AnabranchError, constant, encodeModel, nn, type Tensor, trace } from "@anabranch/engine";
import { isRegression, type Model } from "./model.ts";
import { graphTypes, onGraph } from "./on-graph.ts";

/**
 * A trained model as an ONNX file for inference: input "features" [N, ...] with raw features as the model takes them,
 * output "logits", or "prediction" [N, 1] where it predicts numbers; parameters are initializers and N stays symbolic.
 * Models of nodes take "nodes" [N], numbers of nodes, and the graph: "features" [v, F] of all nodes, and edges "from" [e],
 * "to" [e] with "weights" [e], those of D^-1/2 (A + I) D^-1/2.
 *
 * @param metadata texts that the file carries along
 * @param values of every parameter, by name; throws `model/parameters` where one is missing or has another size
 * @example
 * ```ts
 * import { exportOnnx, logistic } from "@anabranch/core";
 * const model = logistic({ input: [4], inputType: "float", classes: 2 });
 * const values = { "linear.weight": new Float32Array(8), "linear.bias": new Float32Array(2) };
 * exportOnnx(model, values, { author: "me" }).length > 100; // => true
 * ```
 */
export function exportOnnx(
  model: Model,
  values: Readonly<Record<string, ArrayLike<number>>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parameters = Object.fromEntries(model.parameters.map((p) => [p.name, parameterConstant(p, values[p.name])]));
  const output = isRegression(model) ? "prediction" : "logits";
  const examples = { dtype: model.features.dtype, shape: ["N", ...model.features.shape] } as const;
  const graph =
    model.graph === undefined
      ? trace(({ features }) => ({ [output]: model.forward(parameters, features) }), { features: examples })
      : trace(({ nodes, ...given }) => ({ [output]: onGraph(model, given).forward(parameters, nodes) }), {
          nodes: examples,
          ...graphTypes(model.graph),
        });
  return encodeModel(graph, model.name, { inputPrefix: "", outputPrefix: "" }, metadata);
}

function parameterConstant(spec: nn.ParameterSpec, values: ArrayLike<number> | undefined): Tensor {
  const size = nn.countParameters([spec]);
  if (values?.length === size) return constant(values, spec.shape);
  throw new AnabranchError({
    code: "model/parameters",
    message: "a parameter has no fitting values",
    where: spec.name,
    received: values === undefined ? "nothing" : `${values.length} numbers`,
    expected: `${size} numbers for shape [${spec.shape.join(", ")}]`,
  });
}
