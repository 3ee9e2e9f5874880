import { AnabranchError } from "../errors.ts";
import { apply } from "../graph/apply.ts";
import type { Lowering, Node, Operator, Tensor } from "../graph/graph.ts";
import { pick, stridesOf, walk } from "../graph/host.ts";
import { formatShape, normalizeAxis, product, sameShape, sameSize } from "../graph/shape.ts";
import type { Dim, Shape } from "../graph/types.ts";
import { int, ints } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";

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

/**
 * The same elements in row-major order under another shape. One symbolic dimension may be merged or split.
 *
 * @example
 * ```ts
 * import { constant, evaluate, reshape } from "@anabranch/engine";
 * evaluate(reshape(constant([1, 2, 3, 4], [4]), [2, 2])).shape; // => [2, 2]
 * ```
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapeOperator, [x], { shape: [...shape] });
}

/**
 * Axes in another order: output axis i is input axis `permutation[i]`.
 *
 * @example
 * ```ts
 * import { constant, evaluate, transpose } from "@anabranch/engine";
 * evaluate(transpose(constant([1, 2, 3, 4], [2, 2]), [1, 0])).data; // => [1, 3, 2, 4]
 * ```
 */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const axes = permutation.map((axis) => normalizeAxis(axis, x.shape.length));
  return axes.every((axis, i) => axis === i) && axes.length === x.shape.length
    ? x
    : apply(transposeOperator, [x], { permutation: axes });
}

/**
 * A new axis of extent 1 at `axis` of the result.
 *
 * @example
 * ```ts
 * import { constant, evaluate, expandDims } from "@anabranch/engine";
 * evaluate(expandDims(constant([1, 2], [2]), 0)).shape; // => [1, 2]
 * ```
 */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Drops the axis `axis` of extent 1.
 *
 * @example
 * ```ts
 * import { constant, evaluate, squeeze } from "@anabranch/engine";
 * evaluate(squeeze(constant([1, 2], [1, 2]), 0)).shape; // => [2]
 * ```
 */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length);
  if (x.shape[at] !== 1)
    throw shapeError("squeeze", "the axis has another extent", formatShape(x.shape), `1 at axis ${at}`);
  return reshape(x, [...x.shape.slice(0, at), ...x.shape.slice(at + 1)]);
}

/**
 * Merges the axes from `fromAxis` to the last: [N, C, H, W] becomes [N, C*H*W] with the default 1.
 *
 * @example
 * ```ts
 * import { constant, evaluate, flatten } from "@anabranch/engine";
 * evaluate(flatten(constant([1, 2, 3, 4], [1, 2, 2]))).shape; // => [1, 4]
 * ```
 */
export function flatten(x: Tensor, fromAxis = 1): Tensor {
  const at = fromAxis === x.shape.length ? fromAxis : normalizeAxis(fromAxis, x.shape.length);
  const merged: Dim = product(x.shape.slice(at));
  return reshape(x, [...x.shape.slice(0, at), merged]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { shapeOperators } from "@anabranch/engine";
 * shapeOperators.map(({ name }) => name).includes("reshape"); // => true
 * ```
 */
export const shapeOperators: readonly Operator[] = [reshapeOperator, transposeOperator];
