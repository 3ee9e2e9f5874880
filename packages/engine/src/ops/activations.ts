import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { asTensor, type Operand } from "../graph/sources.ts";
import { add, exp, mul, neg, square, sub } from "./elementwise.ts";
import { erfValue } from "./erf.ts";
import { unary } from "./pointwise.ts";
import { cast } from "./selection.ts";

const tanhOperator = unary({
  name: "tanh",
  onnx: "Tanh",
  value: Math.tanh,
  gradient: (ct, _x, y) => mul(ct, sub(1, square(y))),
});

const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

const sigmoidOperator = unary({
  name: "sigmoid",
  onnx: "Sigmoid",
  value: logistic,
  gradient: (ct, _x, y) => mul(ct, mul(y, sub(1, y))),
});

const erfOperator = unary({
  name: "erf",
  onnx: "Erf",
  value: erfValue,
  gradient: (ct, x) => mul(ct, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
});

const reluOperator = unary({
  name: "relu",
  onnx: "Relu",
  value: (x) => Math.max(x, 0),
  // two casts are the quickest mask that ONNX Runtime has: 1.5 ms where Where takes 3.2 (1.25 M elements)
  gradient: (ct, _x, y) => mul(ct, cast(cast(y, "bool"), "float")),
});

const siluOperator = unary({
  name: "silu",
  onnx: (lowering, [x]) => lowering.emit("Mul", [x!, lowering.emit("Sigmoid", [x!])]),
  value: (x) => x * logistic(x),
  gradient: (ct, x, y) => {
    const s = sigmoid(x);
    return mul(ct, add(s, mul(y, sub(1, s))));
  },
});

const geluOperator = unary({
  name: "gelu",
  onnx: "Gelu",
  value: (x) => 0.5 * x * (1 + erfValue(x * Math.SQRT1_2)),
  gradient: (ct, x) => {
    const cumulative = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(ct, add(cumulative, mul(x, density)));
  },
});

/**
 * Hyperbolic tangent.
 *
 * @example
 * ```ts
 * import { constant, evaluate, tanh } from "@anabranch/engine";
 * evaluate(tanh(constant([0, 1], [2]))).data; // => [0, 0.76159]
 * ```
 */
export function tanh(x: Operand): Tensor {
  return apply(tanhOperator, [asTensor(x)]);
}

/**
 * 1 / (1 + exp(-x)).
 *
 * @example
 * ```ts
 * import { constant, evaluate, sigmoid } from "@anabranch/engine";
 * evaluate(sigmoid(constant([0, 2], [2]))).data; // => [0.5, 0.8808]
 * ```
 */
export function sigmoid(x: Operand): Tensor {
  return apply(sigmoidOperator, [asTensor(x)]);
}

/**
 * The error function.
 *
 * @example
 * ```ts
 * import { constant, erf, evaluate } from "@anabranch/engine";
 * evaluate(erf(constant([0, 1], [2]))).data; // => [0, 0.8427]
 * ```
 */
export function erf(x: Operand): Tensor {
  return apply(erfOperator, [asTensor(x)]);
}

/**
 * max(x, 0); the gradient at 0 is 0.
 *
 * @example
 * ```ts
 * import { constant, evaluate, relu } from "@anabranch/engine";
 * evaluate(relu(constant([-1, 2], [2]))).data; // => [0, 2]
 * ```
 */
export function relu(x: Operand): Tensor {
  return apply(reluOperator, [asTensor(x)]);
}

/**
 * x sigmoid(x), also called swish.
 *
 * @example
 * ```ts
 * import { constant, evaluate, silu } from "@anabranch/engine";
 * evaluate(silu(constant([-1, 2], [2]))).data; // => [-0.26894, 1.7616]
 * ```
 */
export function silu(x: Operand): Tensor {
  return apply(siluOperator, [asTensor(x)]);
}

/**
 * x Phi(x) with the exact normal distribution function (Hendrycks & Gimpel 2016, arXiv:1606.08415), not the tanh fit.
 *
 * @example
 * ```ts
 * import { constant, evaluate, gelu } from "@anabranch/engine";
 * evaluate(gelu(constant([-1, 2], [2]))).data; // => [-0.15866, 1.9545]
 * ```
 */
export function gelu(x: Operand): Tensor {
  return apply(geluOperator, [asTensor(x)]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { activationOperators } from "@anabranch/engine";
 * activationOperators.map(({ name }) => name).includes("relu"); // => true
 * ```
 */
export const activationOperators: readonly Operator[] = [
  tanhOperator,
  sigmoidOperator,
  erfOperator,
  reluOperator,
  siluOperator,
  geluOperator,
];
