import type { HostTensor, TensorType } from "../graph/types.ts";
import type { Initializer, ParameterSpec } from "./module.ts";

/**
 * Number of scalar parameters.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(nn.dense("output", 4, 2).parameters); // => 10
 * ```
 */
export function countParameters(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce((total, p) => total + p.shape.reduce((a, b) => a * b, 1), 0);
}

/**
 * Types of the parameters by name, as inputs for `trace`.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.parameterTypes(nn.dense("output", 2, 3).parameters)["output.weight"]; // => { dtype: "float", shape: [2, 3] }
 * ```
 */
export function parameterTypes(parameters: readonly ParameterSpec[]): Record<string, TensorType> {
  return Object.fromEntries(parameters.map((p) => [p.name, { dtype: "float", shape: p.shape }]));
}

/**
 * Initial float32 values by name, drawn in the order of `parameters`.
 *
 * @param random uniform in [0, 1), e.g. a seeded generator
 * @param prefix stands before the names, e.g. the path of the parameters among a program's inputs
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const values = nn.drawParameters(nn.dense("output", 2, 3).parameters, Math.random);
 * Object.keys(values); // => ["output.weight", "output.bias"]
 * ```
 */
export function drawParameters(
  parameters: readonly ParameterSpec[],
  random: () => number,
  prefix = "",
): Record<string, HostTensor> {
  const values = (p: ParameterSpec) =>
    Float32Array.from({ length: countParameters([p]) }, () => value(p.initialize, random));
  return Object.fromEntries(
    parameters.map((p) => [prefix + p.name, { dtype: "float", shape: p.shape, data: values(p) }]),
  );
}

function value(initialize: Initializer, random: () => number): number {
  switch (initialize.kind) {
    case "zeros":
      return 0;
    case "ones":
      return 1;
    case "uniform":
      return (2 * random() - 1) * initialize.limit;
    case "normal": // Box and Muller; 1 - random() is never 0
      return initialize.deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  }
}
