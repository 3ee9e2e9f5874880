import type { Lowering, Node } from "../graph/graph.ts";
import { int, ints } from "../onnx/attributes.ts";
import { outputSize, type Windows, windowsOf } from "./windows.ts";
import { axisTransforms, hasWinograd, type Matrix, transposed, weightTransform, winograd } from "./winograd.ts";

/**
 * Convolution and both adjoints in the Winograd domain, where they are batched matrix products that share their
 * transformed operands: x serves the forward pass and the weight gradient, the cotangent both gradients, the weight the
 * forward pass and the input gradient (ONNX Runtime merges the equal nodes). Inside, data are [H, W, N, C], so that
 * every transform is a product with a small constant matrix along a leading axis.
 */

/** Extents of one convolution [N, channels, size] -> [N, filters, positions]. */
export interface Extents {
  readonly channels: number;
  readonly filters: number;
  readonly size: readonly number[];
  readonly positions: readonly number[];
  readonly windows: Windows;
}

/**
 * Whether the transformed form is expected to be quicker: fewer products, but each channel of each tile has to be
 * transformed. The weights are nanoseconds measured on one core (see docs/engine-measurements.md), of which only the
 * ratio matters.
 */
export function prefersWinograd(e: Extents, groups: number): boolean {
  const w = e.windows;
  const plain = groups === 1 && [...w.stride, ...w.dilation].every((v) => v === 1);
  if (!plain || !w.kernel.every(hasWinograd)) return false;
  const area = e.positions[0]! * e.positions[1]!;
  if (area < 64) return false; // too few tiles to make up for transforming the weights
  const lines = e.positions.map((p, axis) => Math.ceil(p / 4) * winograd(w.kernel[axis]!).n);
  const products = 0.022 * e.channels * e.filters;
  const transforms = (0.4 + Math.max(...lines) / 32) * (e.channels + e.filters);
  const direct = 0.026 * e.channels * e.filters * w.kernel[0] * w.kernel[1];
  return lines[0]! * lines[1]! * (products + transforms) < 0.8 * area * direct;
}

export function lowerWinogradConvolution(lowering: Lowering, node: Node, [x, weight]: readonly string[]): string {
  const e = extents(node, node.inputs[0]!.shape, node.inputs[1]!.shape[0] as number);
  const t = transforms(e);
  const product = lowering.emit("MatMul", [inputTiles(lowering, x!, e, t), weightTiles(lowering, weight!, e, t)]);
  return fromTiles(lowering, product, e.filters, e.positions, t.y.outputs, t.x.outputs);
}

export function lowerWinogradInputGradient(
  lowering: Lowering,
  node: Node,
  [cotangent, weight]: readonly string[],
): string {
  const e = extents(node, node.outputs[0]!.shape, node.inputs[0]!.shape[1] as number);
  const t = transforms(e);
  const tiles = cotangentTiles(lowering, cotangent!, e, t);
  const product = multiply(lowering, tiles, weightTiles(lowering, weight!, e, t), { transB: int(1) });
  return fromTiles(lowering, product, e.channels, e.size, transposed(t.y.inputs), transposed(t.x.inputs));
}

export function lowerWinogradWeightGradient(lowering: Lowering, node: Node, [x, cotangent]: readonly string[]): string {
  const e = extents(node, node.inputs[0]!.shape, node.inputs[1]!.shape[1] as number);
  const t = transforms(e);
  const operands = [inputTiles(lowering, x!, e, t), cotangentTiles(lowering, cotangent!, e, t)] as const;
  // [n, tiles, n', C, O]: the sum over tile rows comes last, shorter sums round less
  const product = multiply(lowering, ...operands, { transA: int(1) });
  const total = lowering.emit("ReduceSum", [product, lowering.int64([1])], { keepdims: int(0) });
  const kernel = e.windows.kernel;
  const flat = reshape(lowering, total, [t.weights.rows, e.channels * e.filters]);
  const taps = lowering.emit("MatMul", [constant(lowering, transposed(t.weights)), flat]);
  const weight = reshape(lowering, taps, [...kernel, e.channels, e.filters]);
  return lowering.emit("Transpose", [weight], { perm: ints([3, 2, 0, 1]) });
}

/** Extents seen by a node; `x` is the shape of the convolution's input. */
function extents(node: Node, x: readonly (number | string)[], filters: number): Extents {
  const windows = windowsOf(node.attributes);
  const size = x.slice(2) as number[];
  const positions = outputSize(node.operator.name, size, windows);
  return { channels: x[1] as number, filters, size, positions, windows };
}

interface Axis {
  readonly n: number;
  readonly tiles: number;
  readonly inputs: Matrix;
  readonly outputs: Matrix;
}
interface Transforms {
  readonly y: Axis;
  readonly x: Axis;
  readonly weights: Matrix;
}

function transforms(e: Extents): Transforms {
  const [y, x] = e.windows.kernel.map((taps) => winograd(taps)) as [
    ReturnType<typeof winograd>,
    ReturnType<typeof winograd>,
  ];
  const [top, left] = e.windows.pads;
  return {
    y: { n: y.n, ...axisTransforms(y, e.size[0]!, e.positions[0]!, top) },
    x: { n: x.n, ...axisTransforms(x, e.size[1]!, e.positions[1]!, left) },
    weights: weightTransform(y, x),
  };
}

function constant(lowering: Lowering, a: Matrix): string {
  return lowering.constant("float", [a.rows, a.columns], a.data);
}

function reshape(lowering: Lowering, x: string, shape: readonly number[]): string {
  return lowering.emit("Reshape", [x, lowering.int64(shape)]);
}

/** [1, a, b] -> [1, b, a]; in rank 2 or 4 ONNX Runtime would merge it with the reshapes around it into a slower transposition. */
function swap(lowering: Lowering, x: string): string {
  return lowering.emit("Transpose", [x], { perm: ints([0, 2, 1]) });
}

function multiply(lowering: Lowering, a: string, b: string, attributes: Parameters<Lowering["emit"]>[2]): string {
  return lowering.emit("com.microsoft:FusedMatMul", [a, b], attributes);
}

/** x -> [n, tiles, n', tiles' N, C] */
function inputTiles(lowering: Lowering, x: string, e: Extents, t: Transforms): string {
  return toTiles(lowering, x, e.channels, e.size, t, t.y.inputs, t.x.inputs);
}

/** cotangent -> [n, tiles, n', tiles' N, O] */
function cotangentTiles(lowering: Lowering, cotangent: string, e: Extents, t: Transforms): string {
  return toTiles(lowering, cotangent, e.filters, e.positions, t, transposed(t.y.outputs), transposed(t.x.outputs));
}

/** weight [O, C, kh, kw] -> [n, 1, n', C, O] */
function weightTiles(lowering: Lowering, weight: string, e: Extents, t: Transforms): string {
  const taps = lowering.emit("Transpose", [weight], { perm: ints([2, 3, 1, 0]) });
  const flat = reshape(lowering, taps, [t.weights.columns, e.channels * e.filters]);
  const product = lowering.emit("MatMul", [constant(lowering, t.weights), flat]);
  return reshape(lowering, product, [t.y.n, 1, t.x.n, e.channels, e.filters]);
}

function toTiles(
  lowering: Lowering,
  image: string,
  channels: number,
  size: readonly number[],
  t: Transforms,
  alongY: Matrix,
  alongX: Matrix,
): string {
  const pixels = swap(lowering, reshape(lowering, image, [1, -1, size[0]! * size[1]!]));
  const rows = lowering.emit("MatMul", [constant(lowering, alongY), reshape(lowering, pixels, [size[0]!, -1])]);
  const columns = reshape(lowering, rows, [alongY.rows, size[1]!, -1]);
  const tiles = lowering.emit("MatMul", [constant(lowering, alongX), columns]);
  return reshape(lowering, tiles, [t.y.n, t.y.tiles, t.x.n, -1, channels]);
}

/** [n, tiles, n', tiles' N, channels] -> [N, channels, size] */
function fromTiles(
  lowering: Lowering,
  tiles: string,
  channels: number,
  size: readonly number[],
  alongY: Matrix,
  alongX: Matrix,
): string {
  const columns = reshape(lowering, tiles, [alongY.columns, alongX.columns, -1]);
  const rows = lowering.emit("MatMul", [constant(lowering, alongX), columns]);
  const flat = reshape(lowering, rows, [alongY.columns, -1]);
  const pixels = lowering.emit("MatMul", [constant(lowering, alongY), flat]);
  const planes = swap(lowering, reshape(lowering, pixels, [1, size[0]! * size[1]!, -1]));
  return reshape(lowering, planes, [-1, channels, ...size]);
}
