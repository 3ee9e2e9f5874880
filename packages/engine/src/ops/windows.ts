import type { Attributes } from "../graph/graph.ts";
import { staticDim } from "../graph/shape.ts";
import type { Dim, Shape } from "../graph/types.ts";
import { shapeError } from "./operands.ts";

/** One extent for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];
/** Zeros around an image: one width, [height, width], or [top, left, bottom, right]. */
export type Padding = Pair | readonly [number, number, number, number];

/** How a window moves over an image; all extents in pixels. */
export interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** [top, left, bottom, right] */
  readonly pads: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

export function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}

export function pads(value: Padding): readonly [number, number, number, number] {
  if (typeof value === "number") return [value, value, value, value];
  return value.length === 2 ? [value[0], value[1], value[0], value[1]] : value;
}

/** Windows as operator attributes, and back. */
export function windowAttributes(w: Windows): Attributes {
  return { kernel: w.kernel, stride: w.stride, pads: w.pads, dilation: w.dilation };
}

export function windowsOf(attributes: Attributes): Windows {
  return attributes as unknown as Windows;
}

/** Refuses windows that cannot move: extents and strides are positive integers, padding is not negative. */
export function checkWindows(operator: string, w: Windows): void {
  const positive = [...w.kernel, ...w.stride, ...w.dilation].every((v) => Number.isInteger(v) && v > 0);
  if (positive && w.pads.every((v) => Number.isInteger(v) && v >= 0)) return;
  const shown = `kernel ${w.kernel}, stride ${w.stride}, padding ${w.pads}, dilation ${w.dilation}`;
  throw shapeError(operator, "a window is misshapen", shown, "positive integers (padding: 0 or more)");
}

/** Height and width of an image [N, C, H, W]. */
export function imageSize(operator: string, shape: Shape): [number, number] {
  if (shape.length !== 4)
    throw shapeError(operator, "an image batch has four axes", `rank ${shape.length}`, "[N, C, H, W]");
  return [staticDim(shape[2]!, operator), staticDim(shape[3]!, operator)];
}

/** Number of window positions along both axes. */
export function outputSize(operator: string, size: readonly number[], w: Windows): [number, number] {
  const extent = (axis: 0 | 1) => {
    const padded = size[axis]! + w.pads[axis] + w.pads[axis + 2]!;
    const covered = w.dilation[axis] * (w.kernel[axis] - 1) + 1;
    const positions = Math.floor((padded - covered) / w.stride[axis]) + 1;
    if (positions >= 1) return positions;
    throw shapeError(operator, "the window is larger than the padded image", `${padded} pixels`, `at least ${covered}`);
  };
  return [extent(0), extent(1)];
}

/** Calls `visit` for every pair of a window position (of `output` positions) and a pixel it covers inside the image. */
export function eachTap(
  size: readonly number[],
  output: readonly number[],
  w: Windows,
  visit: (pixel: number, position: number, tap: number) => void,
): void {
  const [height, width] = size as [number, number];
  for (let oy = 0; oy < output[0]!; oy++) {
    for (let ox = 0; ox < output[1]!; ox++) {
      for (let ky = 0; ky < w.kernel[0]; ky++) {
        const y = oy * w.stride[0] - w.pads[0] + ky * w.dilation[0];
        if (y < 0 || y >= height) continue;
        for (let kx = 0; kx < w.kernel[1]; kx++) {
          const x = ox * w.stride[1] - w.pads[1] + kx * w.dilation[1];
          if (x < 0 || x >= width) continue;
          visit(y * width + x, oy * output[1]! + ox, ky * w.kernel[1] + kx);
        }
      }
    }
  }
}

/** [N, C, H, W] of the same leading axis. */
export function images(batch: Dim, channels: Dim, size: readonly number[]): Shape {
  return [batch, channels, size[0]!, size[1]!];
}
