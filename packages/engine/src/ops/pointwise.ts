import { apply, outputOf } from "../graph/apply.ts";
import type { Lowering, Node, Operator, Tensor } from "../graph/graph.ts";
import { allocate, broadcastOffsets, sizeOfShape } from "../graph/host.ts";
import { broadcastShapes, sameShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import type { DType, HostTensor } from "../graph/types.ts";
import { sumTo } from "./broadcast.ts";
import { requireFloats, shapeError, showTensors } from "./operands.ts";

/** An ONNX operator type, or a rule that emits several nodes. */
type LoweringRule = string | ((lowering: Lowering, inputs: readonly string[], node: Node) => string);

function lowerBy(rule: LoweringRule, lowering: Lowering, inputs: readonly string[], node: Node): string {
  return typeof rule === "string" ? lowering.emit(rule, inputs) : rule(lowering, inputs, node);
}

/** A float operator of one input that acts on each element. */
export function unary(options: {
  readonly name: string;
  readonly onnx: LoweringRule;
  readonly value: (x: number, node: Node) => number;
  /** Cotangent of x from that of y = f(x). Absent: piecewise constant. */
  readonly gradient?: (cotangent: Tensor, x: Tensor, y: Tensor, node: Node) => Tensor;
}): Operator {
  const { name, onnx, value, gradient } = options;
  return {
    name,
    infer(inputs) {
      requireFloats(name, inputs);
      return [inputs[0]!];
    },
    ...(gradient && {
      gradient: (node, cotangents) => [gradient(cotangents[0]!, node.inputs[0]!, outputOf(node), node)],
    }),
    lower: (lowering, node, inputs) => [lowerBy(onnx, lowering, inputs, node)],
    evaluate: ([x], node) => [
      { dtype: "float", shape: x!.shape, data: Float64Array.from(x!.data, (v) => value(v, node)) },
    ],
  };
}

/** An operator of two inputs that acts on each pair of elements, with NumPy broadcasting. */
export function binary(options: {
  readonly name: string;
  readonly onnx: LoweringRule;
  readonly value: (a: number, b: number) => number;
  /** Element types that both operands may have. */
  readonly dtypes: readonly DType[];
  /** Element type of the result where it is not the operands'. */
  readonly result?: DType;
  /** Cotangents before broadcasting is undone. Absent: piecewise constant. */
  readonly gradient?: (cotangent: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [Tensor, Tensor];
}): Operator {
  const { name, gradient } = options;
  return {
    name,
    infer(inputs) {
      const [a, b] = inputs as [Tensor, Tensor];
      if (a.dtype !== b.dtype || !options.dtypes.includes(a.dtype)) {
        throw shapeError(
          name,
          "operands have unfit element types",
          showTensors(inputs),
          `both ${options.dtypes.join(" or ")}`,
        );
      }
      const shape = broadcastShapes(a.shape, b.shape);
      if (shape === undefined) {
        throw shapeError(
          name,
          "shapes do not broadcast",
          showTensors(inputs),
          "equal extents or 1, aligned at the end",
        );
      }
      return [{ dtype: options.result ?? a.dtype, shape }];
    },
    ...(gradient && {
      gradient: (node, cotangents) => {
        const [a, b] = node.inputs as [Tensor, Tensor];
        if (a.dtype !== "float") return [];
        const [da, db] = gradient(cotangents[0]!, a, b, outputOf(node));
        return [sumTo(da, a.shape), sumTo(db, b.shape)];
      },
    }),
    lower: (lowering, node, inputs) => [lowerBy(options.onnx, lowering, inputs, node)],
    evaluate: ([a, b], node) => [evaluateBinary(a!, b!, node.outputs[0]!.dtype, options.value)],
  };
}

function evaluateBinary(
  a: HostTensor,
  b: HostTensor,
  dtype: DType,
  value: (a: number, b: number) => number,
): HostTensor {
  const shape = broadcastShapes(a.shape, b.shape) as readonly number[];
  const size = sizeOfShape(shape);
  const data = allocate(dtype, size);
  if (sameShape(a.shape, b.shape)) {
    for (let i = 0; i < size; i++) data[i] = value(a.data[i]!, b.data[i]!);
  } else {
    const ia = broadcastOffsets(a.shape, shape);
    const ib = broadcastOffsets(b.shape, shape);
    for (let i = 0; i < size; i++) data[i] = value(a.data[ia[i]!]!, b.data[ib[i]!]!);
  }
  return { dtype, shape, data };
}

/** Applies a binary operator; a number takes the element type of the other operand. */
export function applyBinary(operator: Operator, a: Tensor | number, b: Tensor | number): Tensor {
  const dtype = typeof a === "object" ? a.dtype : typeof b === "object" ? b.dtype : "float";
  const tensor = (x: Tensor | number) => (typeof x === "number" ? constant(x, [], dtype) : x);
  return apply(operator, [tensor(a), tensor(b)]);
}
