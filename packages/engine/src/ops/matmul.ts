import { apply } from "../graph/apply.ts";
import type { Attributes, Node, Operator, Tensor } from "../graph/graph.ts";
import { broadcastShapes, formatShape, product } from "../graph/shape.ts";
import type { Dim, HostTensor, Shape } from "../graph/types.ts";
import { int } from "../onnx/attributes.ts";
import { sumTo } from "./broadcast.ts";
import { add } from "./elementwise.ts";
import { requireFloats, shapeError } from "./operands.ts";
import { reshape } from "./shape.ts";

/** Which operands of a product are read transposed in their last two axes. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * Matrix product over the last two axes; leading axes are batch axes and broadcast.
 *
 * @param a [..., m, k], or [..., k, m] with `transposeA`
 * @param b [..., k, n], or [..., n, k] with `transposeB`
 * @returns [..., m, n]
 * @example
 * ```ts
 * import { constant, evaluate, matmul } from "@anabranch/engine";
 * const a = constant([1, 2, 3, 4], [2, 2]);
 * const b = constant([1, 0, 0, 2], [2, 2]);
 * evaluate(matmul(a, b)).data; // => [1, 4, 3, 8]
 * evaluate(matmul(a, b, { transposeA: true })).data; // => [1, 6, 2, 8]
 * ```
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const transposeA = options.transposeA ?? false;
  const transposeB = options.transposeB ?? false;
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA && symbols(a.shape.slice(0, -1)) <= 1) {
    // one tall matrix: its weight gradient is then one product too, with no sum over the batch
    const rows = a.shape.slice(0, -1);
    const flat = matmul(reshape(a, [product(rows), a.shape[a.shape.length - 1]!]), b, { transposeB });
    return reshape(flat, [...rows, flat.shape[1]!]);
  }
  return apply(matmulOperator, [a, b], { transposeA, transposeB });
}

/**
 * Affine map of the last axis.
 *
 * @param x [..., in]
 * @param weight [in, out]
 * @param bias [out]
 * @returns [..., out]
 * @example
 * ```ts
 * import { constant, evaluate, linear } from "@anabranch/engine";
 * const x = constant([1, 2], [1, 2]);
 * const weight = constant([1, 0, 1, 0, 1, 1], [2, 3]);
 * evaluate(linear(x, weight, constant([0, 0, 10], [3]))).data; // => [1, 2, 13]
 * ```
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const rows = x.shape.slice(0, -1);
  if (rows.length > 1 && symbols(rows) <= 1) {
    const flat = linear(reshape(x, [product(rows), x.shape[x.shape.length - 1]!]), weight, bias);
    return reshape(flat, [...rows, flat.shape[1]!]);
  }
  const y = matmul(x, weight);
  return bias === undefined ? y : add(y, bias);
}

function symbols(shape: Shape): number {
  return shape.filter((d) => typeof d === "string").length;
}

/** Extents of a product: batch axes, rows, inner and columns. */
interface Extents {
  readonly batch: Shape;
  readonly m: Dim;
  readonly k: Dim;
  readonly n: Dim;
}

export function matmulExtents(a: Shape, b: Shape, attributes: Attributes): Extents {
  const shown = `${formatShape(a)} x ${formatShape(b)}${attributes.transposeA === true ? ", transposeA" : ""}${attributes.transposeB === true ? ", transposeB" : ""}`;
  if (a.length < 2 || b.length < 2) throw shapeError("matmul", "operands need two axes or more", shown, "rank >= 2");
  const [a0, a1] = a.slice(-2) as [Dim, Dim];
  const [b0, b1] = b.slice(-2) as [Dim, Dim];
  const [m, k] = attributes.transposeA === true ? [a1, a0] : [a0, a1];
  const [inner, n] = attributes.transposeB === true ? [b1, b0] : [b0, b1];
  if (k !== inner) throw shapeError("matmul", "inner extents differ", shown, `${k} on both sides`);
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  if (batch === undefined) throw shapeError("matmul", "batch axes do not broadcast", shown, "equal extents or 1");
  return { batch, m, k, n };
}

export const matmulOperator: Operator = {
  name: "matmul",
  infer(inputs, attributes) {
    requireFloats("matmul", inputs);
    const { batch, m, n } = matmulExtents(inputs[0]!.shape, inputs[1]!.shape, attributes);
    return [{ dtype: "float", shape: [...batch, m, n] }];
  },
  gradient(node, cotangents) {
    const [a, b] = node.inputs as [Tensor, Tensor];
    const g = cotangents[0]!;
    const transposeA = node.attributes.transposeA === true;
    const transposeB = node.attributes.transposeB === true;
    const product = (x: Tensor, y: Tensor, tx: boolean, ty: boolean) =>
      apply(matmulOperator, [x, y], { transposeA: tx, transposeB: ty });
    const gradientA = transposeA ? product(b, g, transposeB, true) : product(g, b, false, !transposeB);
    const gradientB = transposeB ? product(g, a, true, transposeA) : product(a, g, !transposeA, false);
    return [sumTo(gradientA, a.shape), sumTo(gradientB, b.shape)];
  },
  lower(lowering, node, inputs) {
    const transposeA = node.attributes.transposeA === true;
    const transposeB = node.attributes.transposeB === true;
    if (!transposeA && !transposeB) return [lowering.emit("MatMul", inputs)];
    const transposes = { transA: int(transposeA ? 1 : 0), transB: int(transposeB ? 1 : 0) };
    const flat = node.inputs.every((t) => t.shape.length === 2);
    return [lowering.emit(flat ? "Gemm" : "com.microsoft:FusedMatMul", inputs, transposes)];
  },
  evaluate: (inputs, node) => [evaluateMatmul(inputs[0]!, inputs[1]!, node)],
};

export function evaluateMatmul(a: HostTensor, b: HostTensor, node: Node): HostTensor {
  const { batch, m, k, n } = matmulExtents(a.shape, b.shape, node.attributes) as {
    batch: readonly number[];
    m: number;
    k: number;
    n: number;
  };
  const [aRow, aColumn] = node.attributes.transposeA === true ? [1, m] : [k, 1];
  const [bRow, bColumn] = node.attributes.transposeB === true ? [1, k] : [n, 1];
  const count = batch.reduce((x, y) => x * y, 1);
  const data = new Float64Array(count * m * n);
  for (let index = 0; index < count; index++) {
    const aStart = batchOffset(index, batch, a.shape) * m * k;
    const bStart = batchOffset(index, batch, b.shape) * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let l = 0; l < k; l++) {
          total += a.data[aStart + i * aRow + l * aColumn]! * b.data[bStart + l * bRow + j * bColumn]!;
        }
        data[(index * m + i) * n + j] = total;
      }
    }
  }
  return { dtype: "float", shape: [...batch, m, n], data };
}

/** Which matrix of an operand with batch axes `shape[..-2]` belongs to flat index `index` of the broadcast batch. */
function batchOffset(index: number, batch: readonly number[], shape: readonly number[]): number {
  let offset = 0;
  let stride = 1;
  let rest = index;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const extent = shape[shape.length - 2 - (batch.length - axis)] ?? 1;
    if (extent !== 1) offset += (rest % batch[axis]!) * stride;
    stride *= extent;
    rest = Math.floor(rest / batch[axis]!);
  }
  return offset;
}

export const matmulOperators: readonly Operator[] = [matmulOperator];
