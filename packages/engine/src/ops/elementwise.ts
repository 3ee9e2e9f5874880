import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { asTensor, constant, type Operand } from "../graph/sources.ts";
import type { DType } from "../graph/types.ts";
import { broadcastTo } from "./broadcast.ts";
import { applyBinary, binary, unary } from "./pointwise.ts";

const numeric: readonly DType[] = ["float", "int32"];

const addOperator = binary({
  name: "add",
  onnx: "Add",
  value: (a, b) => a + b,
  dtypes: numeric,
  gradient: (ct) => [ct, ct],
});

const subOperator = binary({
  name: "sub",
  onnx: "Sub",
  value: (a, b) => a - b,
  dtypes: numeric,
  gradient: (ct) => [ct, neg(ct)],
});

const mulOperator = binary({
  name: "mul",
  onnx: "Mul",
  value: (a, b) => a * b,
  dtypes: numeric,
  gradient: (ct, a, b) => [mul(ct, b), mul(ct, a)],
});

const divOperator = binary({
  name: "div",
  onnx: "Div",
  value: (a, b) => a / b,
  dtypes: ["float"],
  gradient: (ct, _a, b, y) => [div(ct, b), neg(div(mul(ct, y), b))],
});

const powOperator = binary({
  name: "pow",
  onnx: "Pow",
  value: (a, b) => a ** b,
  dtypes: ["float"],
  gradient: (ct, a, b, y) => [mul(ct, mul(b, pow(a, sub(b, 1)))), mul(ct, mul(y, log(a)))],
});

const powerOperator = unary({
  name: "power",
  onnx: (lowering, [x], node) => lowering.emit("Pow", [x!, lowering.scalar(node.attributes["exponent"] as number)]),
  value: (x, node) => x ** (node.attributes["exponent"] as number),
  gradient: (ct, x, _y, node) => {
    const exponent = node.attributes["exponent"] as number;
    return mul(ct, mul(exponent, pow(x, exponent - 1)));
  },
});

const negOperator = unary({ name: "neg", onnx: "Neg", value: (x) => -x, gradient: (ct) => neg(ct) });
const absOperator = unary({ name: "abs", onnx: "Abs", value: Math.abs, gradient: (ct, x) => mul(ct, sign(x)) });
const signOperator = unary({ name: "sign", onnx: "Sign", value: Math.sign });
const expOperator = unary({ name: "exp", onnx: "Exp", value: Math.exp, gradient: (ct, _x, y) => mul(ct, y) });
const logOperator = unary({ name: "log", onnx: "Log", value: Math.log, gradient: (ct, x) => div(ct, x) });
const sqrtOperator = unary({
  name: "sqrt",
  onnx: "Sqrt",
  value: Math.sqrt,
  gradient: (ct, _x, y) => div(mul(ct, 0.5), y),
});
const rsqrtOperator = unary({
  name: "rsqrt",
  onnx: (lowering, inputs) => lowering.emit("Reciprocal", [lowering.emit("Sqrt", inputs)]),
  value: (x) => 1 / Math.sqrt(x),
  gradient: (ct, _x, y) => mul(mul(ct, -0.5), mul(y, square(y))),
});
const squareOperator = unary({
  name: "square",
  onnx: (lowering, [x]) => lowering.emit("Mul", [x!, x!]),
  value: (x) => x * x,
  gradient: (ct, x) => mul(ct, mul(x, 2)),
});

/**
 * a + b, broadcast. Like all binary functions here: float or int32, and a number takes the other operand's type.
 *
 * @example
 * ```ts
 * import { add, constant, evaluate } from "@anabranch/engine";
 * evaluate(add(constant([1, 2], [2]), 3)).data; // => [4, 5]
 * ```
 */
export function add(a: Operand, b: Operand): Tensor {
  return applyBinary(addOperator, a, b);
}

/**
 * a - b, broadcast.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sub } from "@anabranch/engine";
 * evaluate(sub(constant([1, 2], [2]), constant([3, 5], [2]))).data; // => [-2, -3]
 * ```
 */
export function sub(a: Operand, b: Operand): Tensor {
  return applyBinary(subOperator, a, b);
}

/**
 * a * b, broadcast.
 *
 * @example
 * ```ts
 * import { constant, evaluate, mul } from "@anabranch/engine";
 * evaluate(mul(constant([1, 2], [2]), 3)).data; // => [3, 6]
 * ```
 */
export function mul(a: Operand, b: Operand): Tensor {
  return applyBinary(mulOperator, a, b);
}

/**
 * a / b, broadcast; float only.
 *
 * @example
 * ```ts
 * import { constant, div, evaluate } from "@anabranch/engine";
 * evaluate(div(constant([1, 2], [2]), 4)).data; // => [0.25, 0.5]
 * ```
 */
export function div(a: Operand, b: Operand): Tensor {
  return applyBinary(divOperator, a, b);
}

/**
 * x to the power y, broadcast. A traced exponent needs x > 0 for its own gradient (log x).
 *
 * @example
 * ```ts
 * import { constant, evaluate, pow } from "@anabranch/engine";
 * evaluate(pow(constant([1, 2, 3], [3]), 2)).data; // => [1, 4, 9]
 * ```
 */
export function pow(x: Operand, y: Operand): Tensor {
  if (typeof y !== "number" || typeof x === "number") return applyBinary(powOperator, x, y);
  if (y === 0) return broadcastTo(constant(1), x.shape, x); // x * 0 + 1 would be NaN at infinity
  if (y === 1) return x;
  if (y === 2) return square(x);
  return apply(powerOperator, [x], { exponent: y });
}

/**
 * -x.
 *
 * @example
 * ```ts
 * import { constant, evaluate, neg } from "@anabranch/engine";
 * evaluate(neg(constant([1, -2], [2]))).data; // => [-1, 2]
 * ```
 */
export function neg(x: Operand): Tensor {
  return apply(negOperator, [asTensor(x)]);
}

/**
 * |x|; the gradient at 0 is 0.
 *
 * @example
 * ```ts
 * import { abs, constant, evaluate } from "@anabranch/engine";
 * evaluate(abs(constant([1, -2], [2]))).data; // => [1, 2]
 * ```
 */
export function abs(x: Operand): Tensor {
  return apply(absOperator, [asTensor(x)]);
}

/**
 * -1, 0 or 1; no gradient.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sign } from "@anabranch/engine";
 * evaluate(sign(constant([3, -2, 0], [3]))).data; // => [1, -1, 0]
 * ```
 */
export function sign(x: Operand): Tensor {
  return apply(signOperator, [asTensor(x)]);
}

/**
 * e to the power x.
 *
 * @example
 * ```ts
 * import { constant, evaluate, exp } from "@anabranch/engine";
 * evaluate(exp(constant([0, 1], [2]))).data; // => [1, 2.7183]
 * ```
 */
export function exp(x: Operand): Tensor {
  return apply(expOperator, [asTensor(x)]);
}

/**
 * Natural logarithm.
 *
 * @example
 * ```ts
 * import { constant, evaluate, log } from "@anabranch/engine";
 * evaluate(log(constant([1, Math.E], [2]))).data; // => [0, 1]
 * ```
 */
export function log(x: Operand): Tensor {
  return apply(logOperator, [asTensor(x)]);
}

/**
 * Square root; the gradient at 0 is infinite.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sqrt } from "@anabranch/engine";
 * evaluate(sqrt(constant([4, 9], [2]))).data; // => [2, 3]
 * ```
 */
export function sqrt(x: Operand): Tensor {
  return apply(sqrtOperator, [asTensor(x)]);
}

/**
 * 1 / sqrt(x).
 *
 * @example
 * ```ts
 * import { constant, evaluate, rsqrt } from "@anabranch/engine";
 * evaluate(rsqrt(constant([4, 16], [2]))).data; // => [0.5, 0.25]
 * ```
 */
export function rsqrt(x: Operand): Tensor {
  return apply(rsqrtOperator, [asTensor(x)]);
}

/**
 * x * x.
 *
 * @example
 * ```ts
 * import { constant, evaluate, square } from "@anabranch/engine";
 * evaluate(square(constant([2, -3], [2]))).data; // => [4, 9]
 * ```
 */
export function square(x: Operand): Tensor {
  return apply(squareOperator, [asTensor(x)]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { elementwiseOperators } from "@anabranch/engine";
 * elementwiseOperators.map(({ name }) => name).includes("add"); // => true
 * ```
 */
export const elementwiseOperators: readonly Operator[] = [
  addOperator,
  subOperator,
  mulOperator,
  divOperator,
  powOperator,
  powerOperator,
  negOperator,
  absOperator,
  signOperator,
  expOperator,
  logOperator,
  sqrtOperator,
  rsqrtOperator,
  squareOperator,
];
