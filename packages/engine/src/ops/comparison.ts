import { apply } from "../graph/apply.ts";
import type { Lowering, Node, Operator, Tensor } from "../graph/graph.ts";
import type { Operand } from "../graph/sources.ts";
import type { DType } from "../graph/types.ts";
import { int, onnxTypes } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";
import { applyBinary, binary } from "./pointwise.ts";

const comparable: readonly DType[] = ["float", "int32", "uint8"];

/** ONNX Runtime compares no uint8, so those are widened first. */
function compare(type: string) {
  return (lowering: Lowering, inputs: readonly string[], node: Node): string => {
    const widen = (name: string) => lowering.emit("Cast", [name], { to: int(onnxTypes.int32) });
    return lowering.emit(type, node.inputs[0]!.dtype === "uint8" ? inputs.map(widen) : inputs);
  };
}

function comparison(name: string, onnx: string, value: (a: number, b: number) => boolean): Operator {
  return binary({
    name,
    onnx: compare(onnx),
    value: (a, b) => (value(a, b) ? 1 : 0),
    dtypes: comparable,
    result: "bool",
  });
}

const equalOperator = comparison("equal", "Equal", (a, b) => a === b);
const greaterOperator = comparison("greater", "Greater", (a, b) => a > b);
const greaterEqualOperator = comparison("greaterEqual", "GreaterOrEqual", (a, b) => a >= b);
const lessOperator = comparison("less", "Less", (a, b) => a < b);
const lessEqualOperator = comparison("lessEqual", "LessOrEqual", (a, b) => a <= b);

const logicalAndOperator = binary({
  name: "logicalAnd",
  onnx: "And",
  value: (a, b) => a & b,
  dtypes: ["bool"],
});

const logicalNotOperator: Operator = {
  name: "logicalNot",
  infer(inputs) {
    if (inputs[0]!.dtype !== "bool")
      throw shapeError("logicalNot", "operand must be bool", showTensors(inputs), "bool");
    return [inputs[0]!];
  },
  lower: (lowering, _node, inputs) => [lowering.emit("Not", inputs)],
  evaluate: ([x]) => [{ dtype: "bool", shape: x!.shape, data: Uint8Array.from(x!.data, (v) => 1 - v) }],
};

/**
 * a == b as bool, broadcast. Like all comparisons here: float, int32 or uint8 operands, no gradient.
 *
 * @example
 * ```ts
 * import { constant, equal, evaluate } from "@anabranch/engine";
 * evaluate(equal(constant([1, 2], [2]), 2)).data; // => [0, 1]
 * ```
 */
export function equal(a: Operand, b: Operand): Tensor {
  return applyBinary(equalOperator, a, b);
}

/**
 * a > b as bool.
 *
 * @example
 * ```ts
 * import { constant, evaluate, greater } from "@anabranch/engine";
 * evaluate(greater(constant([1, 3], [2]), 2)).data; // => [0, 1]
 * ```
 */
export function greater(a: Operand, b: Operand): Tensor {
  return applyBinary(greaterOperator, a, b);
}

/**
 * a >= b as bool.
 *
 * @example
 * ```ts
 * import { constant, evaluate, greaterEqual } from "@anabranch/engine";
 * evaluate(greaterEqual(constant([1, 2], [2]), 2)).data; // => [0, 1]
 * ```
 */
export function greaterEqual(a: Operand, b: Operand): Tensor {
  return applyBinary(greaterEqualOperator, a, b);
}

/**
 * a < b as bool.
 *
 * @example
 * ```ts
 * import { constant, evaluate, less } from "@anabranch/engine";
 * evaluate(less(constant([1, 3], [2]), 2)).data; // => [1, 0]
 * ```
 */
export function less(a: Operand, b: Operand): Tensor {
  return applyBinary(lessOperator, a, b);
}

/**
 * a <= b as bool.
 *
 * @example
 * ```ts
 * import { constant, evaluate, lessEqual } from "@anabranch/engine";
 * evaluate(lessEqual(constant([2, 3], [2]), 2)).data; // => [1, 0]
 * ```
 */
export function lessEqual(a: Operand, b: Operand): Tensor {
  return applyBinary(lessEqualOperator, a, b);
}

/**
 * Both, of bool tensors.
 *
 * @example
 * ```ts
 * import { constant, evaluate, greater, less, logicalAnd } from "@anabranch/engine";
 * const x = constant([1, 2, 3], [3]);
 * evaluate(logicalAnd(greater(x, 1), less(x, 3))).data; // => [0, 1, 0]
 * ```
 */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return apply(logicalAndOperator, [a, b]);
}

/**
 * Not, of a bool tensor.
 *
 * @example
 * ```ts
 * import { constant, evaluate, greater, logicalNot } from "@anabranch/engine";
 * evaluate(logicalNot(greater(constant([1, 3], [2]), 2))).data; // => [1, 0]
 * ```
 */
export function logicalNot(x: Tensor): Tensor {
  return apply(logicalNotOperator, [x]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { comparisonOperators } from "@anabranch/engine";
 * comparisonOperators.map(({ name }) => name).includes("less"); // => true
 * ```
 */
export const comparisonOperators: readonly Operator[] = [
  equalOperator,
  greaterOperator,
  greaterEqualOperator,
  lessOperator,
  lessEqualOperator,
  logicalAndOperator,
  logicalNotOperator,
];
