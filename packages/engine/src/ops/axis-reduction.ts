import { apply } from "../graph/apply.ts";
import type { Attributes, Node, Operator, Tensor } from "../graph/graph.ts";
import { allocate, sizeOfShape, stridesOf, walk } from "../graph/host.ts";
import { normalizeAxis } from "../graph/shape.ts";
import type { HostTensor, Shape } from "../graph/types.ts";
import { int } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";
import { reshape } from "./shape.ts";

/** What reductions share: their attributes are `axes` (ascending, from the front) and `keepDims`. */

/** The shape with the reduced axes at extent 1 (or gone). */
export function reducedShape(shape: Shape, attributes: Attributes): Shape {
  const axes = attributes["axes"] as readonly number[];
  const kept = shape.map((d, axis) => (axes.includes(axis) ? 1 : d));
  return attributes["keepDims"] === true ? kept : kept.filter((_, axis) => !axes.includes(axis));
}

/** y with the reduced axes back as extents of 1, so that it broadcasts against x. */
export function unreduce(y: Tensor, node: Node): Tensor {
  return reshape(y, reducedShape(node.inputs[0]!.shape, { ...node.attributes, keepDims: true }));
}

/** An operator that makes one element of those along its axes. */
export function reduction(options: {
  readonly name: string;
  readonly onnx: string;
  /** The reduced value of the elements at `offsets`. */
  readonly value: (x: HostTensor, offsets: Int32Array) => number;
  readonly gradient: NonNullable<Operator["gradient"]>;
}): Operator {
  return {
    name: options.name,
    infer(inputs, attributes) {
      const x = inputs[0]!;
      if (x.dtype !== "float" && x.dtype !== "int32") {
        throw shapeError(options.name, "the operand has an unfit element type", showTensors(inputs), "float or int32");
      }
      return [{ dtype: x.dtype, shape: reducedShape(x.shape, attributes) }];
    },
    gradient: options.gradient,
    lower: (lowering, node, [x]) => [
      lowering.emit(options.onnx, [x!, lowering.int64(node.attributes["axes"] as readonly number[])], {
        keepdims: int(node.attributes["keepDims"] === true ? 1 : 0),
      }),
    ],
    evaluate: ([x], node) => [reduce(x!, node.attributes, options.value)],
  };
}

/** The plain evaluation of a reduction; `value` gets the offsets of the elements that become one. */
export function reduce(
  x: HostTensor,
  attributes: Attributes,
  value: (x: HostTensor, offsets: Int32Array) => number,
): HostTensor {
  const axes = attributes["axes"] as readonly number[];
  const strides = stridesOf(x.shape);
  const kept = x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d));
  const starts = walk(kept, strides);
  const inner = walk(
    axes.map((axis) => x.shape[axis]!),
    axes.map((axis) => strides[axis]!),
  );
  const shape = reducedShape(x.shape, attributes) as readonly number[];
  const data = allocate(x.dtype, sizeOfShape(shape));
  for (let i = 0; i < data.length; i++)
    data[i] = value(
      x,
      inner.map((offset) => offset + starts[i]!),
    );
  return { dtype: x.dtype, shape, data };
}

/** Sum of the elements at `offsets`. */
export function total(x: HostTensor, offsets: Int32Array): number {
  let sum = 0;
  for (const offset of offsets) sum += x.data[offset]!;
  return sum;
}

/** Applies a reduction over `axes`, which may count from the back; default all. Without axes x is the result. */
export function reduceAxes(
  operator: Operator,
  x: Tensor,
  axes: readonly number[] | undefined,
  keepDims: boolean,
): Tensor {
  const all = axes ?? x.shape.map((_, axis) => axis);
  if (all.length === 0) return x;
  const sorted = all.map((axis) => normalizeAxis(axis, x.shape.length)).sort((a, b) => a - b);
  return apply(operator, [x], { axes: [...new Set(sorted)], keepDims });
}
