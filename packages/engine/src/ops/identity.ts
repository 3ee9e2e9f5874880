import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import type { HostTensor } from "../graph/types.ts";

/** The value unchanged; `valueAndGrad` uses it to make variables distinct. */
export const identityOperator: Operator = {
  name: "identity",
  infer: (inputs) => [inputs[0]!],
  gradient: (_node, cotangents) => [cotangents[0]],
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs)],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

/**
 * A value of its own equal to x: a gradient by it is not the gradient by x.
 *
 * @example
 * ```ts
 * import { constant, evaluate, identity } from "@anabranch/engine";
 * evaluate(identity(constant([1, 2], [2]))).data; // => [1, 2]
 * ```
 */
export function identity(x: Tensor): Tensor {
  return apply(identityOperator, [x]);
}

/** The value unchanged, with no gradient. */
export const stopGradientOperator: Operator = {
  name: "stopGradient",
  infer: (inputs) => [inputs[0]!],
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs)],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

/**
 * x, through which no gradient flows.
 *
 * @example
 * ```ts
 * import { constant, evaluate, gradients, mul, stopGradient } from "@anabranch/engine";
 * const x = constant([3], []);
 * evaluate(gradients(mul(x, stopGradient(x)), { x }).x).data; // => [3]
 * ```
 */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOperator, [x]);
}
