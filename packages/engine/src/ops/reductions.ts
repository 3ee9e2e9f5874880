import { apply, outputOf } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import { normalizeAxis, product } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { int, onnxTypes } from "../onnx/attributes.ts";
import { reduce, reduceAxes, reducedShape, reduction, total, unreduce } from "./axis-reduction.ts";
import { broadcastTo, sum } from "./broadcast.ts";
import { equal } from "./comparison.ts";
import { add, div, mul, sqrt, square } from "./elementwise.ts";
import { requireFloats } from "./operands.ts";
import { cast } from "./selection.ts";

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

/**
 * Mean over `axes` (default all); they may be symbolic.
 *
 * @example
 * ```ts
 * import { constant, evaluate, mean } from "@anabranch/engine";
 * const x = constant([1, 2, 3, 6], [2, 2]);
 * evaluate(mean(x)).data; // => [3]
 * evaluate(mean(x, [0])).data; // => [2, 4]
 * ```
 */
export function mean(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(meanOperator, x, axes, keepDims);
}

/**
 * Maximum over `axes` (default all); ties share the gradient equally.
 *
 * @example
 * ```ts
 * import { constant, evaluate, max } from "@anabranch/engine";
 * evaluate(max(constant([1, 5, 3, 2], [2, 2]), [1])).data; // => [5, 3]
 * ```
 */
export function max(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(maxOperator, x, axes, keepDims);
}

/**
 * Index of the first maximum along `axis`, as int32; no gradient.
 *
 * @example
 * ```ts
 * import { argmax, constant, evaluate } from "@anabranch/engine";
 * evaluate(argmax(constant([1, 5, 3, 2], [2, 2]), 1)).data; // => [1, 0]
 * ```
 */
export function argmax(x: Tensor, axis: number): Tensor {
  return apply(argmaxOperator, [x], { axes: [normalizeAxis(axis, x.shape.length)], keepDims: false });
}

/**
 * Number of elements along `axes` as a float scalar; read at run time where one is symbolic.
 *
 * @example
 * ```ts
 * import { constant, countOf, evaluate } from "@anabranch/engine";
 * evaluate(countOf(constant([1, 5, 3, 2, 4, 6], [2, 3]), [1])).data; // => [3]
 * ```
 */
export function countOf(x: Tensor, axes: readonly number[]): Tensor {
  const extents = axes.map((axis) => x.shape[axis]!);
  if (extents.every((d) => typeof d === "number")) return constant(product(extents) as number);
  return apply(countOperator, [x], { axes: [...axes] });
}

/**
 * Euclidean norm of all leaves of a tree together, a float scalar.
 *
 * @example
 * ```ts
 * import { constant, evaluate, globalNorm } from "@anabranch/engine";
 * const tree = { weight: constant([3, 0], [2]), bias: constant([4], [1]) };
 * evaluate(globalNorm(tree)).data; // => [5]
 * ```
 */
export function globalNorm(tree: TensorTree): Tensor {
  const squares = tensorLeaves(tree).map(({ leaf }) => sum(square(leaf)));
  return sqrt(squares.reduce((a, b) => add(a, b)));
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { reductionOperators } from "@anabranch/engine";
 * reductionOperators.map(({ name }) => name).includes("mean"); // => true
 * ```
 */
export const reductionOperators: readonly Operator[] = [meanOperator, maxOperator, countOperator, argmaxOperator];
