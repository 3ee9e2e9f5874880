import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { broadcastOffsets, pick } from "../graph/host.ts";
import { broadcastShapes, formatShape, sameShape } from "../graph/shape.ts";
import type { Shape } from "../graph/types.ts";
import { reduceAxes, reduction, total, unreduce } from "./axis-reduction.ts";
import { shapeError, showTensors } from "./operands.ts";
import { reshape } from "./shape.ts";

/** Repeating a value and adding it up: each is the gradient of the other, so they share a file. */

const broadcastToOperator: Operator = {
  name: "broadcastTo",
  infer(inputs, attributes) {
    const shape = attributes["shape"] as Shape;
    const [x, like] = inputs as [Tensor, Tensor?];
    const joint = broadcastShapes(x.shape, shape);
    if (joint === undefined || !sameShape(joint, shape)) {
      throw shapeError("broadcastTo", "the shape does not broadcast", formatShape(x.shape), formatShape(shape));
    }
    if (like === undefined ? shape.some((d) => typeof d === "string") : !sameShape(like.shape, shape)) {
      throw shapeError(
        "broadcastTo",
        "symbolic extents need a tensor to be read from",
        showTensors(inputs),
        `like ${formatShape(shape)}`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  gradient: (node, cotangents) => [sumTo(cotangents[0]!, node.inputs[0]!.shape)],
  lower(lowering, node, [x, like]) {
    const shape = node.outputs[0]!.shape;
    const target = like === undefined ? lowering.int64(shape as readonly number[]) : lowering.emit("Shape", [like]);
    return [lowering.emit("Expand", [x!, target])];
  },
  evaluate([x], node, evaluation) {
    const shape = evaluation.resolve(node.outputs[0]!.shape);
    return [pick(x!, shape, broadcastOffsets(x!.shape, shape))];
  },
};

const sumOperator = reduction({
  name: "sum",
  onnx: "ReduceSum",
  value: total,
  gradient: (node, [ct]) => [broadcastTo(unreduce(ct!, node), node.inputs[0]!.shape, node.inputs[0]!)],
});

/**
 * x repeated to fill `shape`. Prefer implicit broadcasting, which copies nothing.
 *
 * @param like a tensor of exactly `shape`, needed when that has symbolic dimensions: they are read from it at run time
 * @example
 * ```ts
 * import { broadcastTo, constant, evaluate } from "@anabranch/engine";
 * evaluate(broadcastTo(constant([1, 2], [2]), [2, 2])).data; // => [1, 2, 1, 2]
 * ```
 */
export function broadcastTo(x: Tensor, shape: Shape, like?: Tensor): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const runTime = like !== undefined && shape.some((d) => typeof d === "string");
  return apply(broadcastToOperator, runTime ? [x, like] : [x], { shape: [...shape] });
}

/**
 * Sum over `axes` (default all).
 *
 * @example
 * ```ts
 * import { constant, evaluate, sum } from "@anabranch/engine";
 * const x = constant([1, 2, 3, 4], [2, 2]);
 * evaluate(sum(x)).data; // => [10]
 * evaluate(sum(x, [0], true)).shape; // => [1, 2]
 * ```
 */
export function sum(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return reduceAxes(sumOperator, x, axes, keepDims);
}

/**
 * Undoes broadcasting: sums x down to `shape`, which broadcasts to x's.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sumTo } from "@anabranch/engine";
 * evaluate(sumTo(constant([1, 2, 3, 4], [2, 2]), [2])).data; // => [4, 6]
 * ```
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((d, axis) => (axis < lead || (shape[axis - lead] === 1 && d !== 1) ? [axis] : []));
  if (lead < 0 || !sameShape(x.shape.map((d, a) => (axes.includes(a) ? 1 : d)).slice(lead), shape)) {
    throw shapeError("sumTo", "the shape does not broadcast to x's", formatShape(shape), formatShape(x.shape));
  }
  return reshape(sum(x, axes, lead === 0), shape);
}

export const broadcastOperators: readonly Operator[] = [broadcastToOperator, sumOperator];
