import { AnabranchError } from "../errors.ts";
import { apply } from "../graph/apply.ts";
import type { Lowering, Node, Operator, Tensor } from "../graph/graph.ts";
import { pick, sizeOfShape } from "../graph/host.ts";
import { formatShape, normalizeAxis, sameShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import type { Dim, Shape } from "../graph/types.ts";
import { int, onnxTypes, string } from "../onnx/attributes.ts";
import { equal } from "./comparison.ts";
import { mul } from "./elementwise.ts";
import { shapeError, showTensors } from "./operands.ts";
import { cast } from "./selection.ts";
import { expandDims, transpose } from "./shape.ts";

function requireIndices(operator: string, indices: Tensor, inputs: readonly Tensor[]): void {
  if (indices.dtype !== "int32") throw shapeError(operator, "indices must be int32", showTensors(inputs), "int32");
}

/**
 * The interpreter refuses what ONNX Runtime refuses, and negative indices, which that counts from the end.
 *
 * @example
 * ```ts
 * import { checkIndex } from "@anabranch/engine";
 * checkIndex("gather", 2, 3); // => 2
 * ```
 */
export function checkIndex(operator: string, index: number, extent: number): number {
  if (index >= 0 && index < extent) return index;
  throw new AnabranchError({
    code: "engine/index",
    message: "an index is out of range",
    where: operator,
    received: String(index),
    expected: `0 <= index < ${extent}`,
    advice: "Check the row numbers or labels fed to the program.",
  });
}

const gatherOperator: Operator = {
  name: "gather",
  infer(inputs, attributes) {
    const [x, indices] = inputs as [Tensor, Tensor];
    const axis = attributes["axis"] as number;
    requireIndices("gather", indices, inputs);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  gradient(node, cotangents) {
    const [x, indices] = node.inputs as [Tensor, Tensor];
    const axis = node.attributes["axis"] as number;
    const rank = indices.shape.length;
    const ct = cotangents[0]!;
    if (axis === 0) return [scatterAdd(indices, ct, x.shape[0]!, x)];
    // bring the axis to the front, scatter there, and put it back
    const lead = Array.from({ length: axis }, (_, i) => i);
    const rest = ct.shape.slice(axis + rank).map((_, i) => axis + rank + i);
    const front = transpose(ct, [...indices.shape.map((_, i) => axis + i), ...lead, ...rest]);
    const order = [axis, ...lead, ...x.shape.slice(axis + 1).map((_, i) => axis + 1 + i)];
    const scattered = scatterAdd(indices, front, x.shape[axis]!, transpose(x, order));
    return [
      transpose(
        scattered,
        order.map((_, i) => order.indexOf(i)),
      ),
    ];
  },
  lower: (lowering, node, inputs) => [
    lowering.emit("Gather", inputs, { axis: int(node.attributes["axis"] as number) }),
  ],
  evaluate([x, indices], node) {
    const axis = node.attributes["axis"] as number;
    const extent = x!.shape[axis]!;
    const inner = sizeOfShape(x!.shape.slice(axis + 1));
    const outer = sizeOfShape(x!.shape.slice(0, axis));
    const offsets = new Int32Array(outer * indices!.data.length * inner);
    let next = 0;
    for (let o = 0; o < outer; o++) {
      for (const index of indices!.data) {
        const start = (o * extent + checkIndex("gather", index, extent)) * inner;
        for (let i = 0; i < inner; i++) offsets[next++] = start + i;
      }
    }
    const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    return [pick(x!, shape, offsets)];
  },
};

const scatterAddOperator: Operator = {
  name: "scatterAdd",
  infer(inputs, attributes) {
    const [indices, updates, like] = inputs as [Tensor, Tensor, Tensor?];
    requireIndices("scatterAdd", indices, inputs);
    const rank = indices.shape.length;
    const shape = [...(attributes["rows"] as Shape), ...updates.shape.slice(rank)];
    if (updates.dtype !== "float" || !sameShape(updates.shape.slice(0, rank), indices.shape)) {
      throw shapeError(
        "scatterAdd",
        "the updates do not fit the indices",
        showTensors(inputs),
        "int32[I], float[I, ...]",
      );
    }
    if (like === undefined ? typeof shape[0] === "string" : !sameShape(like.shape, shape)) {
      throw shapeError(
        "scatterAdd",
        "symbolic rows need a tensor to be read from",
        showTensors(inputs),
        formatShape(shape),
      );
    }
    return [{ dtype: "float", shape }];
  },
  gradient: (node, cotangents) => [undefined, gather(cotangents[0]!, node.inputs[0]!)],
  lower(lowering, node, [indices, updates, like]) {
    const zero = lowering.emit("ConstantOfShape", [scatterShape(lowering, node, updates!, like)]);
    const positions = lowering.emit("Cast", [indices!], { to: int(onnxTypes.int64) });
    const columns = lowering.emit("Unsqueeze", [positions, lowering.int64([node.inputs[0]!.shape.length])]);
    return [lowering.emit("ScatterND", [zero, columns, updates!], { reduction: string("add") })];
  },
  evaluate([indices, updates], node, evaluation) {
    const shape = evaluation.resolve(node.outputs[0]!.shape);
    const inner = sizeOfShape(shape.slice(1));
    const data = new Float64Array(sizeOfShape(shape));
    indices!.data.forEach((index, row) => {
      const start = checkIndex("scatterAdd", index, shape[0]!) * inner;
      for (let i = 0; i < inner; i++) data[start + i]! += updates!.data[row * inner + i]!;
    });
    return [{ dtype: "float", shape, data }];
  },
};

function scatterShape(lowering: Lowering, node: Node, updates: string, like: string | undefined): string {
  const { shape } = node.outputs[0]!;
  if (shape.every((d) => typeof d === "number")) return lowering.int64(shape);
  if (like !== undefined) return lowering.emit("Shape", [like]);
  const rest = lowering.emit("Shape", [updates], { start: int(node.inputs[0]!.shape.length) });
  return lowering.emit("Concat", [lowering.int64([shape[0] as number]), rest], { axis: int(0) });
}

const gatherLastOperator: Operator = {
  name: "gatherLast",
  infer(inputs) {
    const [x, indices] = inputs as [Tensor, Tensor];
    requireIndices("gatherLast", indices, inputs);
    if (!sameShape(x.shape.slice(0, -1), indices.shape)) {
      throw shapeError("gatherLast", "the indices do not fit", showTensors(inputs), "T[..., C], int32[...]");
    }
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  gradient(node, cotangents) {
    const [x, indices] = node.inputs as [Tensor, Tensor];
    const last = x.shape.length - 1;
    return [mul(expandDims(cotangents[0]!, last), oneHot(indices, x.shape[last] as number))];
  },
  lower(lowering, node, [x, indices]) {
    const last = lowering.int64([node.inputs[1]!.shape.length]);
    const column = lowering.emit("Unsqueeze", [indices!, last]);
    return [lowering.emit("Squeeze", [lowering.emit("GatherElements", [x!, column], { axis: int(-1) }), last])];
  },
  evaluate([x, indices]) {
    const classes = x!.shape[x!.shape.length - 1]!;
    const offsets = Int32Array.from(indices!.data, (c, i) => i * classes + checkIndex("gatherLast", c, classes));
    return [pick(x!, indices!.shape, offsets)];
  },
};

/**
 * Slices of x at int32 `indices` along `axis`: result [...before axis, ...indices, ...after axis]. Indices must not be
 * negative: ONNX Runtime would count them from the end, the interpreter throws `engine/index`.
 *
 * @example
 * ```ts
 * import { constant, evaluate, gather } from "@anabranch/engine";
 * const rows = constant([1, 2, 3, 4], [2, 2]);
 * evaluate(gather(rows, constant([1, 1], [2], "int32"))).data; // => [3, 4, 3, 4]
 * ```
 */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply(gatherOperator, [x, indices], { axis: normalizeAxis(axis, x.shape.length) });
}

/**
 * Zeros [rows, ...] with `updates` [...indices, ...] added at int32 `indices`; equal indices add up. Adjoint of `gather`
 * along axis 0.
 *
 * @param like a tensor of the result's shape, needed when `rows` is symbolic
 * @example
 * ```ts
 * import { constant, evaluate, scatterAdd } from "@anabranch/engine";
 * const indices = constant([0, 0, 2], [3], "int32");
 * evaluate(scatterAdd(indices, constant([1, 2, 5], [3]), 3)).data; // => [3, 0, 5]
 * ```
 */
export function scatterAdd(indices: Tensor, updates: Tensor, rows: Dim, like?: Tensor): Tensor {
  const reads = like?.shape.some((d) => typeof d === "string") ? [indices, updates, like] : [indices, updates];
  return apply(scatterAddOperator, reads, { rows: [rows] });
}

/**
 * int32 [...] to float [..., classes], 1 at the index.
 *
 * @example
 * ```ts
 * import { constant, evaluate, oneHot } from "@anabranch/engine";
 * evaluate(oneHot(constant([2, 0], [2], "int32"), 3)).data; // => [0, 0, 1, 1, 0, 0]
 * ```
 */
export function oneHot(indices: Tensor, classes: number): Tensor {
  requireIndices("oneHot", indices, [indices]);
  const range = constant(
    Int32Array.from({ length: classes }, (_, i) => i),
    [classes],
    "int32",
  );
  return cast(equal(expandDims(indices, indices.shape.length), range), "float");
}

/**
 * The element of each last axis at its index: x [..., C] and int32 indices [...] give [...].
 *
 * @example
 * ```ts
 * import { constant, evaluate, gatherLast } from "@anabranch/engine";
 * const x = constant([1, 2, 3, 4], [2, 2]);
 * evaluate(gatherLast(x, constant([1, 0], [2], "int32"))).data; // => [2, 3]
 * ```
 */
export function gatherLast(x: Tensor, indices: Tensor): Tensor {
  return apply(gatherLastOperator, [x, indices]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { indexingOperators } from "@anabranch/engine";
 * indexingOperators.map(({ name }) => name).includes("gather"); // => true
 * ```
 */
export const indexingOperators: readonly Operator[] = [gatherOperator, scatterAddOperator, gatherLastOperator];
