import { constant, encodeModel, trace } from "@anabranch/engine";
import type { Model } from "./model.ts";

/**
 * A trained model as an ONNX file for inference: input "features" [N, ...] with raw features as the model takes them,
 * output "logits"; parameters are initializers and N stays symbolic.
 *
 * @param values of every parameter, by name
 */
export function exportOnnx(model: Model, values: Readonly<Record<string, ArrayLike<number>>>): Uint8Array {
  const parameters = Object.fromEntries(model.parameters.map((p) => [p.name, constant(values[p.name]!, p.shape)]));
  const graph = trace(({ features }) => ({ logits: model.forward(parameters, features) }), {
    features: { dtype: model.features.dtype, shape: ["N", ...model.features.shape] },
  });
  return encodeModel(graph, model.name, { inputPrefix: "", outputPrefix: "" });
}
