import { AnabranchError } from "../errors.ts";
import { apply, type Operator, shapeError } from "../graph/operator.ts";
import { broadcastShapes, formatShape, normalizeAxis, product, sameShape, sameSize } from "../graph/shape.ts";
import type { Dim, Node, Shape, Tensor } from "../graph/tensor.ts";
import { int, ints, type Lowering } from "../onnx/lowering.ts";
import { broadcastOffsets, pick, stridesOf, walk } from "./host.ts";
import { showTensors } from "./pointwise.ts";
import { sumTo } from "./reductions.ts";

export * from "./pieces.ts";

const reshapeOperator: Operator = {
  name: "reshape",
  infer(inputs, attributes) {
    const shape = attributes["shape"] as Shape;
    if (!sameSize(inputs[0]!.shape, shape)) {
      throw shapeError("reshape", "the number of elements changes", showTensors(inputs), formatShape(shape));
    }
    return [{ dtype: inputs[0]!.dtype, shape }];
  },
  gradient: (node, cotangents) => [reshape(cotangents[0]!, node.inputs[0]!.shape)],
  lower: (lowering, node, inputs) => [lowerReshape(lowering, node, inputs[0]!)],
  evaluate: ([x], node, evaluation) => [{ ...x!, shape: evaluation.resolve(node.outputs[0]!.shape) }],
};

/** Symbolic extents: 0 copies the input's at the same place, one other is -1; failing that, only ones may come and go. */
function lowerReshape(lowering: Lowering, node: Node, x: string): string {
  const from = node.inputs[0]!.shape;
  const to = node.outputs[0]!.shape;
  if (to.includes(0))
    return lowering.emit("Reshape", [x, lowering.int64(to.map((d) => (typeof d === "number" ? d : -1)))], {
      allowzero: int(1),
    });
  const target = to.map((d, axis) => (typeof d === "number" ? d : d === from[axis] ? 0 : -1));
  const symbolic = to.flatMap((d, axis) => (typeof d === "string" ? [axis] : []));
  if (symbolic.length === 1) target[symbolic[0]!] = -1;
  if (target.filter((d) => d === -1).length <= 1) return lowering.emit("Reshape", [x, lowering.int64(target)]);
  if (!sameShape(withoutOnes(from), withoutOnes(to))) {
    throw new AnabranchError({
      code: "engine/symbolic-dimension",
      message: "a reshape moves several symbolic dimensions",
      where: "reshape",
      received: formatShape(from),
      expected: formatShape(to),
      advice: "Keep all symbolic dimensions but one at their places.",
    });
  }
  const ones = (shape: Shape) => lowering.int64(shape.flatMap((d, axis) => (d === 1 ? [axis] : [])));
  const squeezed = from.includes(1) ? lowering.emit("Squeeze", [x, ones(from)]) : x;
  return to.includes(1) ? lowering.emit("Unsqueeze", [squeezed, ones(to)]) : squeezed;
}

function withoutOnes(shape: Shape): Shape {
  return shape.filter((d) => d !== 1);
}

const transposeOperator: Operator = {
  name: "transpose",
  infer(inputs, attributes) {
    const permutation = attributes["permutation"] as readonly number[];
    const { shape, dtype } = inputs[0]!;
    if (permutation.length !== shape.length || new Set(permutation).size !== shape.length) {
      throw shapeError(
        "transpose",
        "not a permutation of the axes",
        formatShape(permutation),
        `axes of ${formatShape(shape)}`,
      );
    }
    return [{ dtype, shape: permutation.map((axis) => shape[normalizeAxis(axis, shape.length)]!) }];
  },
  gradient: (node, cotangents) => {
    const permutation = node.attributes["permutation"] as readonly number[];
    return [
      transpose(
        cotangents[0]!,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
  lower: (lowering, node, inputs) => [
    lowering.emit("Transpose", inputs, { perm: ints(node.attributes["permutation"] as readonly number[]) }),
  ],
  evaluate([x], node) {
    const permutation = node.attributes["permutation"] as readonly number[];
    const strides = stridesOf(x!.shape);
    const shape = permutation.map((axis) => x!.shape[axis]!);
    return [
      pick(
        x!,
        shape,
        walk(
          shape,
          permutation.map((axis) => strides[axis]!),
        ),
      ),
    ];
  },
};

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

/** The same elements in row-major order under another shape. One symbolic dimension may be merged or split. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeOperator, [x], { shape: [...shape] });
}

/** Axes in another order: output axis i is input axis `permutation[i]`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const axes = permutation.map((axis) => normalizeAxis(axis, x.shape.length));
  return axes.every((axis, i) => axis === i) && axes.length === x.shape.length
    ? x
    : apply(transposeOperator, [x], { permutation: axes });
}

/**
 * x repeated to fill `shape`. Prefer implicit broadcasting, which copies nothing.
 *
 * @param like a tensor of exactly `shape`, needed when that has symbolic dimensions: they are read from it at run time
 */
export function broadcastTo(x: Tensor, shape: Shape, like?: Tensor): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const runTime = like !== undefined && shape.some((d) => typeof d === "string");
  return apply(broadcastToOperator, runTime ? [x, like] : [x], { shape: [...shape] });
}

/** A new axis of extent 1 at `axis` of the result. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Drops the axis `axis` of extent 1. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length);
  if (x.shape[at] !== 1)
    throw shapeError("squeeze", "the axis has another extent", formatShape(x.shape), `1 at axis ${at}`);
  return reshape(x, [...x.shape.slice(0, at), ...x.shape.slice(at + 1)]);
}

/** Merges the axes from `fromAxis` to the last: [N, C, H, W] becomes [N, C*H*W] with the default 1. */
export function flatten(x: Tensor, fromAxis = 1): Tensor {
  const at = fromAxis === x.shape.length ? fromAxis : normalizeAxis(fromAxis, x.shape.length);
  const merged: Dim = product(x.shape.slice(at));
  return reshape(x, [...x.shape.slice(0, at), merged]);
}

export const shapeOperators: readonly Operator[] = [reshapeOperator, transposeOperator, broadcastToOperator];
