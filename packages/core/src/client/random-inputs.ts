import { AnabranchError, constant, reshape, type Tensor } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import { normal } from "../random/distributions.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";

/**
 * Outputs of a model in evaluation on `rows` inputs of standard normal numbers, in one row. The inputs follow from the seed
 * alone, so those of all clients are the same. Throws `model/random-inputs` for models of tokens.
 */
export function outputsOnNoise(model: Model, parameters: ParameterTensors, rows: number, seed: number): Tensor {
  const { dtype, shape } = model.features;
  if (dtype === "int32" || model.labels.shape.length > 0) throw noNoise(model);
  const stream = randomStream(deriveKey(rootKey(seed), "random-inputs"));
  const size = shape.reduce((a, b) => a * b, rows);
  const inputs = constant(
    Float64Array.from({ length: size }, () => normal(stream)),
    [rows, ...shape],
  );
  const outputs = model.forward(parameters, inputs);
  return reshape(outputs, [(outputs.shape as number[]).reduce((a, b) => a * b, 1)]);
}

function noNoise({ name }: Model): AnabranchError {
  return new AnabranchError({
    code: "model/random-inputs",
    message: "the method compares models on random numbers, and this model takes tokens",
    where: `model ${name}`,
    received: "tokens, or labels at every position",
    expected: "features of numbers or pixels",
    advice: "Choose another method, for example ifca, or a model of images or tables.",
  });
}
