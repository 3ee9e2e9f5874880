import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { allocate, pick, sizeOfShape, stridesOf, walk } from "../graph/host.ts";
import { formatShape, normalizeAxis, sameShape, staticDim } from "../graph/shape.ts";
import type { Dim, Shape } from "../graph/types.ts";
import { int } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";

const sliceOperator: Operator = {
  name: "slice",
  infer(inputs, attributes) {
    const { shape, dtype } = inputs[0]!;
    const starts = attributes["starts"] as readonly number[];
    const ends = attributes["ends"] as Shape;
    const fits =
      starts.length === shape.length &&
      ends.length === shape.length &&
      shape.every((d, axis) => {
        const start = starts[axis]!;
        const end = ends[axis]!;
        if (start === 0 && end === d) return true;
        if (typeof d !== "number" || !Number.isInteger(start) || !Number.isInteger(end)) return false;
        return 0 <= start && start <= (end as number) && (end as number) <= d;
      });
    if (!fits) {
      const received = `${formatShape(starts)} to ${formatShape(ends)} of ${formatShape(shape)}`;
      throw shapeError("slice", "the range does not fit", received, "0 <= start <= end <= extent; symbolic axes whole");
    }
    return [
      { dtype, shape: shape.map((d, a) => (ends[a] === d && starts[a] === 0 ? d : (ends[a] as number) - starts[a]!)) },
    ];
  },
  gradient(node, cotangents) {
    const { shape } = node.inputs[0]!;
    const starts = node.attributes["starts"] as readonly number[];
    const ends = node.attributes["ends"] as Shape;
    const after = shape.map((d, axis) => (ends[axis] === d ? 0 : (d as number) - (ends[axis] as number)));
    return [pad(cotangents[0]!, starts, after)];
  },
  lower(lowering, node, [x]) {
    const { shape } = node.inputs[0]!;
    const starts = node.attributes["starts"] as readonly number[];
    const ends = node.attributes["ends"] as Shape;
    const axes = shape.flatMap((d, axis) => (starts[axis] === 0 && ends[axis] === d ? [] : [axis]));
    const of = (values: Shape) => lowering.int64(axes.map((axis) => values[axis] as number));
    return [lowering.emit("Slice", [x!, of(starts), of(ends), lowering.int64(axes)])];
  },
  evaluate([x], node, evaluation) {
    const shape = evaluation.resolve(node.outputs[0]!.shape);
    const strides = stridesOf(x!.shape);
    const starts = node.attributes["starts"] as readonly number[];
    const start = starts.reduce((offset, s, axis) => offset + s * strides[axis]!, 0);
    return [pick(x!, shape, walk(shape, strides, start))];
  },
};

const padOperator: Operator = {
  name: "pad",
  infer(inputs, attributes) {
    const { shape, dtype } = inputs[0]!;
    const before = attributes["before"] as readonly number[];
    const after = attributes["after"] as readonly number[];
    const counts = [...before, ...after].every((n) => Number.isInteger(n) && n >= 0);
    if (before.length !== shape.length || after.length !== shape.length || !counts) {
      const received = `${formatShape(before)} and ${formatShape(after)} around ${formatShape(shape)}`;
      throw shapeError("pad", "the padding does not fit", received, "one count >= 0 for each axis");
    }
    return [
      {
        dtype,
        shape: shape.map((d, a) =>
          before[a] === 0 && after[a] === 0 ? d : staticDim(d, "pad") + before[a]! + after[a]!,
        ),
      },
    ];
  },
  gradient(node, cotangents) {
    const before = node.attributes["before"] as readonly number[];
    const ends = node.inputs[0]!.shape.map((d, a) => (typeof d === "number" ? d + before[a]! : d));
    return [slice(cotangents[0]!, before, ends)];
  },
  lower(lowering, node, [x]) {
    const amounts = [node.attributes["before"], node.attributes["after"]] as readonly (readonly number[])[];
    return [lowering.emit("Pad", [x!, lowering.int64(amounts.flat())])];
  },
  evaluate([x], node, evaluation) {
    const shape = evaluation.resolve(node.outputs[0]!.shape);
    const strides = stridesOf(shape);
    const before = node.attributes["before"] as readonly number[];
    const start = before.reduce((offset, s, axis) => offset + s * strides[axis]!, 0);
    const data = allocate(x!.dtype, sizeOfShape(shape));
    walk(x!.shape, strides, start).forEach((offset, i) => {
      data[offset] = x!.data[i]!;
    });
    return [{ dtype: x!.dtype, shape, data }];
  },
};

const concatOperator: Operator = {
  name: "concat",
  infer(inputs, attributes) {
    const axis = attributes["axis"] as number;
    const first = inputs[0]!;
    const others = (shape: Shape) => shape.filter((_, a) => a !== axis);
    if (inputs.some((t) => t.dtype !== first.dtype || !sameShape(others(t.shape), others(first.shape)))) {
      throw shapeError("concat", "the parts do not fit together", showTensors(inputs), `equal but for axis ${axis}`);
    }
    const total = inputs.reduce((sum, t) => sum + staticDim(t.shape[axis]!, "concat"), 0);
    return [{ dtype: first.dtype, shape: first.shape.map((d, a) => (a === axis ? total : d)) }];
  },
  gradient(node, cotangents) {
    const axis = node.attributes["axis"] as number;
    let start = 0;
    return node.inputs.map((part) => {
      const end = start + (part.shape[axis] as number);
      const at = (whole: Dim, value: number, a: number) => (a === axis ? value : whole);
      const starts = part.shape.map((_, a) => (a === axis ? start : 0));
      const piece = slice(
        cotangents[0]!,
        starts,
        part.shape.map((d, a) => at(d, end, a)),
      );
      start = end;
      return piece;
    });
  },
  lower: (lowering, node, inputs) => [
    lowering.emit("Concat", inputs, { axis: int(node.attributes["axis"] as number) }),
  ],
  evaluate(inputs, node, evaluation) {
    const axis = node.attributes["axis"] as number;
    const { dtype } = node.outputs[0]!;
    const shape = evaluation.resolve(node.outputs[0]!.shape);
    const strides = stridesOf(shape);
    const data = allocate(dtype, sizeOfShape(shape));
    let start = 0;
    for (const part of inputs) {
      walk(part.shape, strides, start * strides[axis]!).forEach((offset, i) => {
        data[offset] = part.data[i]!;
      });
      start += part.shape[axis]!;
    }
    return [{ dtype, shape, data }];
  },
};

/**
 * The box from `starts` (inclusive) to `ends` (exclusive), one entry for each axis. A symbolic axis must be taken whole:
 * start 0, end its symbol.
 *
 * @example
 * ```ts
 * import { constant, evaluate, slice } from "@anabranch/engine";
 * evaluate(slice(constant([1, 2, 3, 4], [2, 2]), [0, 1], [2, 2])).data; // => [2, 4]
 * ```
 */
export function slice(x: Tensor, starts: readonly number[], ends: Shape): Tensor {
  const whole = starts.every((s) => s === 0) && sameShape(ends, x.shape);
  return whole ? x : apply(sliceOperator, [x], { starts: [...starts], ends: [...ends] });
}

/**
 * Zeros around x: `before` and `after` count them for each axis. A symbolic axis takes none.
 *
 * @example
 * ```ts
 * import { constant, evaluate, pad } from "@anabranch/engine";
 * evaluate(pad(constant([1, 2], [2]), [1], [2])).data; // => [0, 1, 2, 0, 0]
 * ```
 */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  const whole = sameShape(before, after) && before.length === x.shape.length && before.every((n) => n === 0);
  return whole ? x : apply(padOperator, [x], { before: [...before], after: [...after] });
}

/**
 * Parts joined along a static axis.
 *
 * @example
 * ```ts
 * import { concat, constant, evaluate } from "@anabranch/engine";
 * evaluate(concat([constant([1, 2], [2]), constant([3], [1])], 0)).data; // => [1, 2, 3]
 * ```
 */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 0) throw shapeError("concat", "nothing to join", "no parts", "at least one");
  const at = normalizeAxis(axis, parts[0]!.shape.length);
  return parts.length === 1 ? parts[0]! : apply(concatOperator, parts, { axis: at });
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { pieceOperators } from "@anabranch/engine";
 * pieceOperators.map(({ name }) => name).includes("concat"); // => true
 * ```
 */
export const pieceOperators: readonly Operator[] = [sliceOperator, padOperator, concatOperator];
