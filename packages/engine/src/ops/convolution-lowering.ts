import type { Node } from "../graph/tensor.ts";
import { int, ints, type Lowering, type OnnxAttributes } from "../onnx/lowering.ts";
import { type Windows, windowsOf } from "./windows.ts";

function windowOptions(w: Windows, groups: number): OnnxAttributes {
  return {
    kernel_shape: ints(w.kernel),
    strides: ints(w.stride),
    pads: ints(w.pads),
    dilations: ints(w.dilation),
    group: int(groups),
  };
}

export function lowerConvolution(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const groups = node.attributes.groups as number;
  return lowering.emit("Conv", inputs, windowOptions(windowsOf(node.attributes), groups));
}

/** ConvTranspose of the cotangent; `output_padding` restores rows and columns that the stride left over. */
export function lowerInputGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
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

/**
 * A plain Conv of the transposed operands: batch and channel change places, the cotangent is the kernel, stride and
 * dilation change places. dW[o, c, i, j] = sum over n, p, q of x[n, c, stride p + dilation i, ...] g[n, o, p, q].
 */
export function lowerWeightGradient(lowering: Lowering, node: Node, inputs: readonly string[]): string {
  const w = windowsOf(node.attributes);
  const groups = node.attributes.groups as number;
  const [x, cotangent] = node.inputs.map((t) => t.shape) as [readonly (number | string)[], readonly number[]];
  const positions: [number, number] = [cotangent[2]!, cotangent[3]!];
  const tail = ([0, 1] as const).map((axis) => {
    const used = w.dilation[axis] * (w.kernel[axis] - 1) + w.stride[axis] * (positions[axis] - 1) + 1;
    return used - (x[2 + axis] as number) - w.pads[axis];
  }) as [number, number];
  const size = [0, 1].map((axis) => (x[2 + axis] as number) + Math.min(tail[axis]!, 0));
  let image = inputs[0]!;
  if (tail[0] < 0 || tail[1] < 0) {
    // rows and columns that no window reached
    image = lowering.emit("Slice", [image, lowering.int64([0, 0]), lowering.int64(size), lowering.int64([2, 3])]);
  }
  const swapped: Windows = {
    kernel: positions,
    stride: w.dilation,
    pads: [w.pads[0], w.pads[1], Math.max(tail[0], 0), Math.max(tail[1], 0)],
    dilation: w.stride,
  };
  const data = batchToChannels(lowering, image, x[1] as number, size, groups);
  const kernel = lowering.emit("Transpose", [inputs[1]!], { perm: ints([1, 0, 2, 3]) });
  const product = lowering.emit("Conv", [data, kernel], windowOptions(swapped, groups));
  return lowering.emit("Transpose", [product], { perm: ints([1, 0, 2, 3]) });
}

/** [N, C, H, W] -> [C / groups, groups N, H, W], so that each group sees its own channels of every image. */
function batchToChannels(
  lowering: Lowering,
  x: string,
  channels: number,
  size: readonly number[],
  groups: number,
): string {
  if (groups === 1) return lowering.emit("Transpose", [x], { perm: ints([1, 0, 2, 3]) });
  const each = channels / groups;
  const split = lowering.emit("Reshape", [x, lowering.int64([-1, groups, each, ...size])]);
  const moved = lowering.emit("Transpose", [split], { perm: ints([2, 1, 0, 3, 4]) });
  return lowering.emit("Reshape", [moved, lowering.int64([each, -1, ...size])]);
}
