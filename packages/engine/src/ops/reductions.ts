import { apply, type Operator, shapeError } from "../graph/operator.ts";
import { formatShape, normalizeAxis, product, sameShape } from "../graph/shape.ts";
import type { Attributes, HostTensor, Node, Shape, Tensor } from "../graph/tensor.ts";
import { type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { int, onnxTypes } from "../onnx/lowering.ts";
import { constant } from "./basic.ts";
import { add, cast, div, equal, mul, sqrt, square } from "./elementwise.ts";
import { allocate, sizeOfShape, stridesOf, walk } from "./host.ts";
import { outputOf, requireFloats, showTensors } from "./pointwise.ts";
import { broadcastTo, reshape } from "./shape.ts";

/** The shape with the reduced axes at extent 1 (or gone). */
function reducedShape(shape: Shape, attributes: Attributes): Shape {
  const axes = attributes["axes"] as readonly number[];
  const kept = shape.map((d, axis) => (axes.includes(axis) ? 1 : d));
  return attributes["keepDims"] === true ? kept : kept.filter((_, axis) => !axes.includes(axis));
}

/** y with the reduced axes back as extents of 1, so that it broadcasts against x. */
function unreduce(y: Tensor, node: Node): Tensor {
  return reshape(y, reducedShape(node.inputs[0]!.shape, { ...node.attributes, keepDims: true }));
}

function reduction(options: {
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

function reduce(
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

function total(x: HostTensor, offsets: Int32Array): number {
  let sum = 0;
  for (const offset of offsets) sum += x.data[offset]!;
  return sum;
}

const sumOperator = reduction({
  name: "sum",
  onnx: "ReduceSum",
  value: total,
  gradient: (node, [ct]) => [broadcastTo(unreduce(ct!, node), node.inputs[0]!.shape, node.inputs[0]!)],
});

const meanOperator = reduction({
  name: "mean",
  onnx: "ReduceMean",
  value: (x, offsets) => total(x, offsets) / offsets.length,
  gradient(node, [ct]) {
    const x = node.inputs[0]!;
    const share = div(unreduce(ct!, node), countOf(x, node.attributes["axes"] as readonly number[]));
    return [broadcastTo(share, x.shape, x)];
  },
});

const maxOperator = reduction({
  name: "max",
  onnx: "ReduceMax",
  value: (x, offsets) => offsets.reduce((best, offset) => Math.max(best, x.data[offset]!), Number.NEGATIVE_INFINITY),
  gradient(node, [ct]) {
    const x = node.inputs[0]!;
    const ties = cast(equal(x, unreduce(outputOf(node), node)), "float");
    const count = sum(ties, node.attributes["axes"] as readonly number[], true);
    return [mul(div(unreduce(ct!, node), count), ties)];
  },
});

/** Number of elements along axes that are symbolic, as a float scalar known at run time. */
const countOperator: Operator = {
  name: "count",
  infer: () => [{ dtype: "float", shape: [] }],
  lower(lowering, node, [x]) {
    const axes = lowering.int64(node.attributes["axes"] as readonly number[]);
    const extents = lowering.emit("Gather", [lowering.emit("Shape", [x!]), axes]);
    const size = lowering.emit("ReduceProd", [extents], { keepdims: int(0) });
    return [lowering.emit("Cast", [size], { to: int(onnxTypes.float) })];
  },
  evaluate([x], node) {
    const axes = node.attributes["axes"] as readonly number[];
    return [{ dtype: "float", shape: [], data: Float64Array.of(sizeOfShape(axes.map((axis) => x!.shape[axis]!))) }];
  },
};

const argmaxOperator: Operator = {
  name: "argmax",
  infer(inputs, attributes) {
    requireFloats("argmax", inputs);
    return [{ dtype: "int32", shape: reducedShape(inputs[0]!.shape, attributes) }];
  },
  lower(lowering, node, [x]) {
    const axis = (node.attributes["axes"] as readonly number[])[0]!;
    const index = lowering.emit("ArgMax", [x!], { axis: int(axis), keepdims: int(0) });
    return [lowering.emit("Cast", [index], { to: int(onnxTypes.int32) })];
  },
  evaluate([x], node) {
    const best = reduce(x!, node.attributes, (t, offsets) =>
      offsets.reduce((at, offset, i) => (t.data[offset]! > t.data[offsets[at]!]! ? i : at), 0),
    );
    return [{ dtype: "int32", shape: best.shape, data: Int32Array.from(best.data) }];
  },
};

function reduceAxes(operator: Operator, x: Tensor, axes: readonly number[] | undefined, keepDims: boolean): Tensor {
  const all = axes ?? x.shape.map((_, axis) => axis);
  if (all.length === 0) return x;
  const sorted = all.map((axis) => normalizeAxis(axis, x.shape.length)).sort((a, b) => a - b);
  return apply(operator, [x], { axes: [...new Set(sorted)], keepDims });
}

/** Sum over `axes` (default all). */
export function sum(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(sumOperator, x, axes, keepDims);
}

/** Mean over `axes` (default all); they may be symbolic. */
export function mean(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(meanOperator, x, axes, keepDims);
}

/** Maximum over `axes` (default all); ties share the gradient equally. */
export function max(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(maxOperator, x, axes, keepDims);
}

/** Index of the first maximum along `axis`, as int32; no gradient. */
export function argmax(x: Tensor, axis: number): Tensor {
  return apply(argmaxOperator, [x], { axes: [normalizeAxis(axis, x.shape.length)], keepDims: false });
}

/** Number of elements along `axes` as a float scalar; read at run time where one is symbolic. */
export function countOf(x: Tensor, axes: readonly number[]): Tensor {
  const extents = axes.map((axis) => x.shape[axis]!);
  if (extents.every((d) => typeof d === "number")) return constant(product(extents) as number);
  return apply(countOperator, [x], { axes: [...axes] });
}

/** Undoes broadcasting: sums x down to `shape`, which broadcasts to x's. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((d, axis) => (axis < lead || (shape[axis - lead] === 1 && d !== 1) ? [axis] : []));
  if (lead < 0 || !sameShape(x.shape.map((d, a) => (axes.includes(a) ? 1 : d)).slice(lead), shape)) {
    throw shapeError("sumTo", "the shape does not broadcast to x's", formatShape(shape), formatShape(x.shape));
  }
  return reshape(sum(x, axes, lead === 0), shape);
}

/** Euclidean norm of all leaves of a tree together, a float scalar. */
export function globalNorm(tree: TensorTree): Tensor {
  const squares = tensorLeaves(tree).map(({ leaf }) => sum(square(leaf)));
  return sqrt(squares.reduce((a, b) => add(a, b)));
}

export const reductionOperators: readonly Operator[] = [
  sumOperator,
  meanOperator,
  maxOperator,
  countOperator,
  argmaxOperator,
];
