import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { allocate, broadcastOffsets, sizeOfShape } from "../graph/host.ts";
import { broadcastShapes, formatShape } from "../graph/shape.ts";
import { asTensor, constant, type Operand } from "../graph/sources.ts";
import type { DType } from "../graph/types.ts";
import { int, onnxTypes } from "../onnx/attributes.ts";
import { sumTo } from "./broadcast.ts";
import { equal, greater, greaterEqual, less, lessEqual, logicalAnd } from "./comparison.ts";
import { add, mul } from "./elementwise.ts";
import { shapeError, showTensors } from "./operands.ts";
import { applyBinary, binary, unary } from "./pointwise.ts";

/** Half of the cotangent to each side where the operands are equal. */
function winner(ct: Tensor, wins: Tensor, ties: Tensor): Tensor {
  return mul(ct, add(cast(wins, "float"), mul(cast(ties, "float"), 0.5)));
}

const maximumOperator = binary({
  name: "maximum",
  onnx: "Max",
  value: Math.max,
  dtypes: ["float", "int32"],
  gradient: (ct, a, b) => [winner(ct, greater(a, b), equal(a, b)), winner(ct, less(a, b), equal(a, b))],
});

const minimumOperator = binary({
  name: "minimum",
  onnx: "Min",
  value: Math.min,
  dtypes: ["float", "int32"],
  gradient: (ct, a, b) => [winner(ct, less(a, b), equal(a, b)), winner(ct, greater(a, b), equal(a, b))],
});

const clipOperator = unary({
  name: "clip",
  onnx: (lowering, [x], { attributes }) =>
    lowering.emit("Clip", [
      x!,
      lowering.scalar(attributes["low"] as number),
      lowering.scalar(attributes["high"] as number),
    ]),
  value: (x, { attributes }) => Math.min(Math.max(x, attributes["low"] as number), attributes["high"] as number),
  gradient: (ct, x, _y, { attributes }) => {
    const inside = logicalAnd(greaterEqual(x, attributes["low"] as number), lessEqual(x, attributes["high"] as number));
    return mul(ct, cast(inside, "float"));
  },
});

const castOperator: Operator = {
  name: "cast",
  infer: (inputs, attributes) => [{ dtype: attributes["dtype"] as DType, shape: inputs[0]!.shape }],
  lower: (lowering, node, inputs) => [
    lowering.emit("Cast", inputs, { to: int(onnxTypes[node.attributes["dtype"] as DType]) }),
  ],
  evaluate([x], node) {
    const dtype = node.attributes["dtype"] as DType;
    const data = allocate(dtype, x!.data.length);
    for (let i = 0; i < data.length; i++) {
      const v = x!.data[i]!;
      data[i] = dtype === "bool" ? (v !== 0 ? 1 : 0) : v; // typed arrays truncate towards zero, as ONNX does
    }
    return [{ dtype, shape: x!.shape, data }];
  },
};

const whereOperator: Operator = {
  name: "where",
  infer(inputs) {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    if (condition.dtype !== "bool" || a.dtype !== b.dtype) {
      throw shapeError("where", "operands have unfit element types", showTensors(inputs), "bool, T, T");
    }
    const values = broadcastShapes(a.shape, b.shape);
    const shape = values && broadcastShapes(condition.shape, values);
    if (shape === undefined) {
      throw shapeError(
        "where",
        "shapes do not broadcast",
        inputs.map((t) => formatShape(t.shape)).join(", "),
        "equal extents or 1",
      );
    }
    return [{ dtype: a.dtype, shape }];
  },
  gradient(node, cotangents) {
    const [condition, a, b] = node.inputs as [Tensor, Tensor, Tensor];
    const ct = cotangents[0]!;
    return [undefined, sumTo(where(condition, ct, 0), a.shape), sumTo(where(condition, 0, ct), b.shape)];
  },
  lower: (lowering, _node, inputs) => [lowering.emit("Where", inputs)],
  evaluate([condition, a, b], node) {
    const dtype = node.outputs[0]!.dtype;
    const shape = broadcastShapes(condition!.shape, broadcastShapes(a!.shape, b!.shape)!) as readonly number[];
    const data = allocate(dtype, sizeOfShape(shape));
    const [ic, ia, ib] = [condition!, a!, b!].map((t) => broadcastOffsets(t.shape, shape)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    for (let i = 0; i < data.length; i++) {
      data[i] = condition!.data[ic[i]!] !== 0 ? a!.data[ia[i]!]! : b!.data[ib[i]!]!;
    }
    return [{ dtype, shape, data }];
  },
};

/**
 * The larger of each pair; equal operands share the gradient.
 *
 * @example
 * ```ts
 * import { constant, evaluate, maximum } from "@anabranch/engine";
 * evaluate(maximum(constant([1, 3], [2]), 2)).data; // => [2, 3]
 * ```
 */
export function maximum(a: Operand, b: Operand): Tensor {
  return applyBinary(maximumOperator, a, b);
}

/**
 * The smaller of each pair; equal operands share the gradient.
 *
 * @example
 * ```ts
 * import { constant, evaluate, minimum } from "@anabranch/engine";
 * evaluate(minimum(constant([1, 3], [2]), 2)).data; // => [1, 2]
 * ```
 */
export function minimum(a: Operand, b: Operand): Tensor {
  return applyBinary(minimumOperator, a, b);
}

/**
 * x limited to [low, high]; the gradient passes on the closed interval.
 *
 * @example
 * ```ts
 * import { clip, constant, evaluate } from "@anabranch/engine";
 * evaluate(clip(constant([-2, 0.5, 7], [3]), 0, 1)).data; // => [0, 0.5, 1]
 * ```
 */
export function clip(x: Operand, low: number, high: number): Tensor {
  return apply(clipOperator, [asTensor(x)], { low, high });
}

/**
 * a where the bool condition holds, else b; all three broadcast. A number takes the other value's type.
 *
 * @example
 * ```ts
 * import { constant, evaluate, greater, where } from "@anabranch/engine";
 * const x = constant([-1, 2], [2]);
 * evaluate(where(greater(x, 0), x, 0)).data; // => [0, 2]
 * ```
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = typeof a === "object" ? a.dtype : typeof b === "object" ? b.dtype : "float";
  const tensor = (x: Operand) => (typeof x === "number" ? constant(x, [], dtype) : x);
  return apply(whereOperator, [condition, tensor(a), tensor(b)]);
}

/**
 * Another element type. Float to integer truncates towards zero; anything to bool tests for nonzero. No gradient.
 *
 * @example
 * ```ts
 * import { cast, constant, evaluate } from "@anabranch/engine";
 * evaluate(cast(constant([1.7, -1.7], [2]), "int32")).data; // => [1, -1]
 * ```
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(castOperator, [x], { dtype });
}

export const selectionOperators: readonly Operator[] = [
  maximumOperator,
  minimumOperator,
  clipOperator,
  castOperator,
  whereOperator,
];
