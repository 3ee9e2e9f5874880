import type { Lowering, Node } from "../graph/graph.ts";
import { int, ints, type OnnxAttributes, onnxTypes, string } from "../onnx/attributes.ts";
import { type Windows, windowsOf } from "./windows.ts";

/** Below every float32 that can be a maximum; finite, because the one-hot convolutions multiply it by zero. */
const lowest = -3.4028234663852886e38;

function windowOptions(w: Windows): OnnxAttributes {
  return { kernel_shape: ints(w.kernel), strides: ints(w.stride), pads: ints(w.pads) };
}

/** Plane by plane: with 16 channels or more ONNX Runtime would pool in a blocked layout, and reordering costs more than it saves. */
export function lowerMaxPool(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const [, channels, ...size] = node.inputs[0]!.shape as readonly number[];
  const planes = reshape(lowering, inputs[0]!, [-1, 1, ...size]);
  const pooled = lowering.emit("MaxPool", [planes], windowOptions(windowsOf(node.attributes)));
  return reshape(lowering, pooled, [-1, channels!, ...(node.outputs[0]!.shape.slice(2) as number[])]);
}

export function lowerAveragePool(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  return lowering.emit("AveragePool", inputs, {
    ...windowOptions(windowsOf(node.attributes)),
    count_include_pad: int(1),
  });
}

/** True where every pixel belongs to exactly one window: then the nearest upsampling of y covers x. */
function tiles(w: Windows, size: readonly number[]): boolean {
  return ([0, 1] as const).every(
    (axis) => w.stride[axis] === w.kernel[axis] && w.pads[axis] === 0 && size[axis]! % w.kernel[axis] === 0,
  );
}

function upsample(lowering: Lowering, y: string, w: Windows): string {
  const scales = lowering.constant("float", [4], [1, 1, ...w.kernel]);
  return lowering.emit("Resize", [y, "", scales], {
    mode: string("nearest"),
    nearest_mode: string("floor"),
    coordinate_transformation_mode: string("asymmetric"),
  });
}

/** 1 where x is the maximum of its (only) window, and the share of ones of each window. */
function tilingMask(lowering: Lowering, x: string, y: string, w: Windows): { mask: string; share: string } {
  const equal = lowering.emit("Equal", [x, upsample(lowering, y, w)]);
  const mask = lowering.emit("Cast", [equal], { to: int(onnxTypes.float) });
  return { mask, share: lowering.emit("AveragePool", [mask], windowOptions(w)) };
}

function lowerTilingGradient(lowering: Lowering, w: Windows, [x, y, cotangent]: readonly string[]): string {
  const { mask, share } = tilingMask(lowering, x!, y!, w);
  const scaled = lowering.emit("Div", [cotangent!, share]);
  const spread = lowering.emit("Mul", [mask, upsample(lowering, scaled, w)]);
  return lowering.emit("Mul", [spread, lowering.scalar(1 / (w.kernel[0] * w.kernel[1]))]);
}

/** [kh kw, 1, kh, kw]: filter t picks tap t of a window. */
function taps(lowering: Lowering, w: Windows): string {
  const count = w.kernel[0] * w.kernel[1];
  const data = new Float32Array(count * count);
  for (let t = 0; t < count; t++) data[t * count + t] = 1;
  return lowering.constant("float", [count, 1, ...w.kernel], data);
}

function reshape(lowering: Lowering, x: string, shape: readonly number[]): string {
  return lowering.emit("Reshape", [x, lowering.int64(shape)]);
}

/** [N, C, H, W] -> [N C, kh kw, H', W']: the pixels of each window along the second axis. */
function unfold(lowering: Lowering, x: string, w: Windows, size: readonly number[], fill: number): string {
  let planes = reshape(lowering, x, [-1, 1, ...size]);
  let padding = w.pads;
  if (fill !== 0 && w.pads.some((p) => p > 0)) {
    const around = [0, 0, w.pads[0], w.pads[1], 0, 0, w.pads[2], w.pads[3]];
    planes = lowering.emit("Pad", [planes, lowering.int64(around), lowering.scalar(fill)]);
    padding = [0, 0, 0, 0];
  }
  return lowering.emit("Conv", [planes, taps(lowering, w)], windowOptions({ ...w, pads: padding }));
}

/** Sums [N C, kh kw, H', W'] back into pixels: the adjoint of `unfold`. */
function fold(
  lowering: Lowering,
  patches: string,
  kernel: string,
  w: Windows,
  size: readonly number[],
  positions: readonly number[],
  channels: number,
): string {
  const leftover = ([0, 1] as const).map((axis) => {
    const covered = w.stride[axis] * (positions[axis]! - 1) + w.kernel[axis];
    return size[axis]! + w.pads[axis] + w.pads[axis + 2]! - covered;
  });
  const options = { ...windowOptions(w), output_padding: ints(leftover) };
  return reshape(lowering, lowering.emit("ConvTranspose", [patches, kernel], options), [-1, channels, ...size]);
}

/** Windows that overlap, leave gaps or touch padding: [N C, kh kw, H', W'] masks and their counts [N C, 1, H', W']. */
function unfoldedMask(
  lowering: Lowering,
  node: Node,
  x: string,
  y: string,
): { w: Windows; size: readonly number[]; positions: readonly number[]; mask: string; ties: string } {
  const w = windowsOf(node.attributes);
  const size = node.inputs[0]!.shape.slice(2) as number[];
  const positions = node.inputs[1]!.shape.slice(2) as number[];
  const patches = unfold(lowering, x, w, size, lowest);
  const equal = lowering.emit("Equal", [patches, reshape(lowering, y, [-1, 1, ...positions])]);
  const mask = lowering.emit("Cast", [equal], { to: int(onnxTypes.float) });
  const ties = lowering.emit("ReduceSum", [mask, lowering.int64([1])], { keepdims: int(1) });
  return { w, size, positions, mask, ties };
}

/** Inputs x, y = maxPool(x), cotangent. */
export function lowerMaxPoolGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const windows = windowsOf(node.attributes);
  if (tiles(windows, node.inputs[0]!.shape.slice(2) as number[])) return lowerTilingGradient(lowering, windows, inputs);
  const { w, size, positions, mask, ties } = unfoldedMask(lowering, node, inputs[0]!, inputs[1]!);
  const shared = lowering.emit("Div", [reshape(lowering, inputs[2]!, [-1, 1, ...positions]), ties]);
  const spread = lowering.emit("Mul", [mask, shared]);
  return fold(lowering, spread, taps(lowering, w), w, size, positions, node.inputs[0]!.shape[1] as number);
}

/** Inputs x, y = maxPool(x), values shaped as x. */
export function lowerMaxPoolSelect(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const windows = windowsOf(node.attributes);
  if (tiles(windows, node.inputs[0]!.shape.slice(2) as number[])) {
    const { mask, share } = tilingMask(lowering, inputs[0]!, inputs[1]!, windows);
    const chosen = lowering.emit("AveragePool", [lowering.emit("Mul", [mask, inputs[2]!])], windowOptions(windows));
    return lowering.emit("Div", [chosen, share]);
  }
  const { w, size, positions, mask, ties } = unfoldedMask(lowering, node, inputs[0]!, inputs[1]!);
  const chosen = lowering.emit("Mul", [mask, unfold(lowering, inputs[2]!, w, size, 0)]);
  const total = lowering.emit("ReduceSum", [chosen, lowering.int64([1])], { keepdims: int(1) });
  const mean = lowering.emit("Div", [total, ties]);
  return reshape(lowering, mean, [-1, node.inputs[0]!.shape[1] as number, ...positions]);
}

export function lowerAveragePoolGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const w = windowsOf(node.attributes);
  const size = node.attributes.size as readonly number[];
  const [, channels, ...positions] = node.inputs[0]!.shape as readonly number[];
  const area = w.kernel[0] * w.kernel[1];
  if (tiles(w, size)) {
    return upsample(lowering, lowering.emit("Mul", [inputs[0]!, lowering.scalar(1 / area)]), w);
  }
  const kernel = lowering.constant("float", [1, 1, ...w.kernel], new Float32Array(area).fill(1 / area));
  return fold(lowering, reshape(lowering, inputs[0]!, [-1, 1, ...positions]), kernel, w, size, positions, channels!);
}
