import type { Lowering, Node } from "../graph/graph.ts";
import { int, ints, type OnnxAttributes } from "../onnx/attributes.ts";
import {
  lowerWinogradConvolution,
  lowerWinogradInputGradient,
  lowerWinogradWeightGradient,
} from "./convolution-winograd.ts";
import { type Windows, windowsOf } from "./windows.ts";

/** Set by `specialize` on the convolutions of a training step that the Winograd domain makes quicker. */
function isWinograd(node: Node): boolean {
  return node.attributes.form === "winograd";
}

function windowOptions(w: Windows, groups: number): OnnxAttributes {
  return {
    kernel_shape: ints(w.kernel),
    strides: ints(w.stride),
    pads: ints(w.pads),
    dilations: ints(w.dilation),
    group: int(groups),
  };
}

/** Inputs x, weight and, where `specialize` found one, bias [O]. */
export function lowerConvolution(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  if (isWinograd(node)) return lowerWinogradConvolution(lowering, node, inputs);
  const groups = node.attributes.groups as number;
  return lowering.emit("Conv", inputs, windowOptions(windowsOf(node.attributes), groups));
}

/** ConvTranspose of the cotangent; `output_padding` restores rows and columns that the stride left over. */
export function lowerInputGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  if (isWinograd(node)) return lowerWinogradInputGradient(lowering, node, inputs);
  const w = windowsOf(node.attributes);
  const groups = node.attributes.groups as number;
  const size = node.attributes.size as readonly [number, number];
  const cotangent = node.inputs[0]!.shape;
  const leftover = ([0, 1] as const).map((axis) => {
    const positions = cotangent[2 + axis] as number;
    const covered = w.stride[axis] * (positions - 1) + w.dilation[axis] * (w.kernel[axis] - 1) + 1;
    return size[axis] + w.pads[axis] + w.pads[axis + 2]! - covered;
  });
  return lowering.emit("ConvTranspose", inputs, { ...windowOptions(w, groups), output_padding: ints(leftover) });
}

/** Extents of a weight gradient, with the zeros that its windows reach at the end of each axis (negative: pixels unused). */
interface Problem {
  readonly w: Windows;
  readonly groups: number;
  readonly channels: number;
  readonly filters: number;
  readonly size: readonly [number, number];
  readonly positions: readonly [number, number];
  readonly tail: readonly [number, number];
}

export function lowerWeightGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  if (isWinograd(node)) return lowerWinogradWeightGradient(lowering, node, inputs);
  const w = windowsOf(node.attributes);
  const [x, cotangent] = node.inputs.map((t) => t.shape) as [readonly number[], readonly number[]];
  const size = [x[2]!, x[3]!] as const;
  const positions = [cotangent[2]!, cotangent[3]!] as const;
  const tail = ([0, 1] as const).map((axis) => {
    const used = w.dilation[axis] * (w.kernel[axis] - 1) + w.stride[axis] * (positions[axis] - 1) + 1;
    return used - size[axis] - w.pads[axis];
  }) as [number, number];
  const groups = node.attributes.groups as number;
  const problem: Problem = { w, groups, channels: x[1]!, filters: cotangent[1]!, size, positions, tail };
  return groups === 1 ? byRows(lowering, problem, inputs) : bySwappedConvolution(lowering, problem, inputs);
}

/** From this many window positions on, one product for each image beats one product for the whole batch. */
const positionsForImages = 128;

/**
 * One product for each kernel row: the image is unfolded along its width only, [C kw, H, W'], and the rows that meet
 * kernel row i are one contiguous block of it for each channel. Twice as quick as a plain Conv of swapped operands for
 * 3x3 kernels, and unfolding both axes would cost kh times the memory.
 */
function byRows(lowering: Lowering, p: Problem, [x, cotangent]: readonly string[]): string {
  const { w, channels, filters, positions, size } = p;
  const perImage = positions[0] * positions[1] >= positionsForImages;
  const height = size[0] + w.pads[0] + Math.max(p.tail[0], 0);
  const columns = channels * w.kernel[1];
  const swap = (t: string) => (perImage ? t : lowering.emit("Transpose", [t], { perm: ints([1, 0, 2, 3]) }));
  const unfolded = unfoldWidth(lowering, swap(padded(lowering, x!, p)), p, perImage ? 2 : 1);
  const flat = perImage ? [-1, filters, positions[0] * positions[1]] : [filters, -1];
  const kernel = reshape(lowering, swap(cotangent!), flat);
  const products = Array.from({ length: w.kernel[0] }, (_, i) => {
    const start = i * w.dilation[0];
    const all = w.stride[0] === 1 && start === 0 && positions[0] === height;
    const rows = all ? unfolded : slice(lowering, unfolded, 3, start, w.stride[0], positions[0]);
    if (!perImage) {
      const product = lowering.emit("Gemm", [reshape(lowering, rows, [columns, -1]), kernel], { transB: int(1) });
      return reshape(lowering, product, [1, channels, w.kernel[1], filters]);
    }
    const planes = reshape(lowering, rows, [-1, columns, positions[0] * positions[1]]);
    const product = lowering.emit("com.microsoft:FusedMatMul", [planes, kernel], { transB: int(1) });
    const total = lowering.emit("ReduceSum", [product, lowering.int64([0])], { keepdims: int(0) });
    return reshape(lowering, total, [1, channels, w.kernel[1], filters]);
  });
  const taps = products.length === 1 ? products[0]! : lowering.emit("Concat", products, { axis: int(0) });
  return lowering.emit("Transpose", [taps], { perm: ints([3, 1, 0, 2]) });
}

/** [.., H, W] -> [.., kw, H, W'] with the new axis at `axis`; the second axis of x and the new one merge. */
function unfoldWidth(lowering: Lowering, x: string, p: Problem, axis: number): string {
  const { kernel, stride, dilation } = p.w;
  const taps = Array.from({ length: kernel[1] }, (_, j) => {
    const shifted = slice(lowering, x, 3, j * dilation[1], stride[1], p.positions[1]);
    return lowering.emit("Unsqueeze", [shifted, lowering.int64([axis])]);
  });
  return taps.length === 1 ? taps[0]! : lowering.emit("Concat", taps, { axis: int(axis) });
}

/** `count` elements of an axis from `start` in steps. */
function slice(lowering: Lowering, x: string, axis: number, start: number, step: number, count: number): string {
  const range = [start, start + step * (count - 1) + 1].map((v) => lowering.int64([v]));
  return lowering.emit("Slice", [x, ...range, lowering.int64([axis]), lowering.int64([step])]);
}

/** x with the zeros that its windows reach. */
function padded(lowering: Lowering, x: string, p: Problem): string {
  const [top, left] = p.w.pads;
  const end = p.tail.map((t) => Math.max(t, 0)) as [number, number];
  if (top + left + end[0] + end[1] === 0) return x;
  return lowering.emit("Pad", [x, lowering.int64([0, 0, top, left, 0, 0, ...end])]);
}

function reshape(lowering: Lowering, x: string, shape: readonly number[]): string {
  return lowering.emit("Reshape", [x, lowering.int64(shape)]);
}

/**
 * With groups: a plain Conv of the transposed operands. Batch and channel change places, the cotangent is the kernel,
 * stride and dilation change places: dW[o, c, i, j] = sum over n, p, q of x[n, c, stride p + dilation i, ...] g[n, o, p, q].
 */
function bySwappedConvolution(lowering: Lowering, p: Problem, inputs: readonly string[]): string {
  const { w, groups, positions, tail } = p;
  const used = p.size.map((extent, axis) => extent + Math.min(tail[axis]!, 0));
  // where all windows of an axis lie in its leading padding no pixel is left: then the padding is written out
  const explicit = used.some((extent) => extent < 1);
  const size = used.map((extent, axis) => (explicit ? extent + w.pads[axis]! + Math.max(tail[axis]!, 0) : extent));
  let image = explicit ? padded(lowering, inputs[0]!, p) : inputs[0]!;
  if (tail[0] < 0 || tail[1] < 0) {
    // rows and columns that no window reached
    image = lowering.emit("Slice", [image, lowering.int64([0, 0]), lowering.int64(size), lowering.int64([2, 3])]);
  }
  const pads: Windows["pads"] = [w.pads[0], w.pads[1], Math.max(tail[0], 0), Math.max(tail[1], 0)];
  const swapped: Windows = {
    kernel: positions,
    stride: w.dilation,
    pads: explicit ? [0, 0, 0, 0] : pads,
    dilation: w.stride,
  };
  // [N, C, H, W] -> [C / groups, groups N, H, W], so that each group sees its own channels of every image
  const each = p.channels / groups;
  const split = reshape(lowering, image, [-1, groups, each, ...size]);
  const moved = lowering.emit("Transpose", [split], { perm: ints([2, 1, 0, 3, 4]) });
  const data = reshape(lowering, moved, [each, -1, ...size]);
  const kernel = lowering.emit("Transpose", [inputs[1]!], { perm: ints([1, 0, 2, 3]) });
  const product = lowering.emit("Conv", [data, kernel], windowOptions(swapped, groups));
  return lowering.emit("Transpose", [product], { perm: ints([1, 0, 2, 3]) });
}
