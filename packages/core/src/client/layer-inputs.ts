import { inputsBeside } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";

/**
 * What the layers of a model see, [n, inputs] by weight: of weights [inputs, outputs] that rows of inputs are multiplied by,
 * once. Weights that are used otherwise, as kernels of convolutions, are left out.
 */
export function layerInputs(
  model: Model,
  parameters: ParameterTensors,
  features: Parameters<Model["forward"]>[1],
): ParameterTensors {
  const outputs = model.forward(parameters, features);
  const found = Object.entries(parameters).flatMap(([name, weight]) => {
    const inputs = inputsBeside(outputs, weight);
    const only = inputs.length === 1 && inputs[0]!.shape.length === 2 && inputs[0]!.shape[0] === features.shape[0];
    return only ? [[name, inputs[0]!] as const] : [];
  });
  return Object.fromEntries(found);
}
