import { apply } from "../graph/apply.ts";
import type { Attributes, Operator, Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import { formatShape, sameShape, staticDim } from "../graph/shape.ts";
import type { HostTensor, Shape } from "../graph/types.ts";
import { lowerConvolution, lowerInputGradient, lowerWeightGradient } from "./convolution-lowering.ts";
import { requireFloats, shapeError } from "./operands.ts";
import {
  checkWindows,
  eachTap,
  imageSize,
  images,
  outputSize,
  type Padding,
  type Pair,
  pads,
  pair,
  type Windows,
  windowAttributes,
  windowsOf,
} from "./windows.ts";

/** How a convolution moves; the defaults are 1, no padding, 1, 1. */
export interface ConvolutionOptions {
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** Channels and filters are split into this many groups that do not see each other. */
  readonly groups?: number;
}

/**
 * Two-dimensional convolution (cross-correlation).
 *
 * @param x [N, C, H, W]
 * @param weight [O, C / groups, kh, kw]
 * @returns [N, O, H', W'] with H' = floor((H + top + bottom - dilation (kh - 1) - 1) / stride) + 1
 * @example
 * ```ts
 * import { constant, conv2d, evaluate } from "@anabranch/engine";
 * const image = constant([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
 * const kernel = constant([1, 0, 0, 1], [1, 1, 2, 2]);
 * evaluate(conv2d(image, kernel)).data; // => [6, 8, 12, 14]
 * ```
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  return apply(conv2dOperator, [x, weight], convolutionAttributes(weight, options));
}

/**
 * Adjoint of `conv2d` in its input: the gradient that reaches x.
 *
 * @param cotangent [N, O, H', W']
 * @param weight [O, C / groups, kh, kw]
 * @param size [H, W] of x
 * @returns [N, C, H, W]
 * @example
 * ```ts
 * import { constant, conv2dInputGradient, evaluate } from "@anabranch/engine";
 * const kernel = constant([1, 0, 0, 1], [1, 1, 2, 2]);
 * const cotangent = constant([1, 0, 0, 0], [1, 1, 2, 2]);
 * evaluate(conv2dInputGradient(cotangent, kernel, [3, 3])).data; // => [1, 0, 0, 0, 1, 0, 0, 0, 0]
 * ```
 */
export function conv2dInputGradient(
  cotangent: Tensor,
  weight: Tensor,
  size: readonly [number, number],
  options: ConvolutionOptions = {},
): Tensor {
  return apply(inputGradientOperator, [cotangent, weight], { ...convolutionAttributes(weight, options), size });
}

/**
 * Adjoint of `conv2d` in its weight: the gradient that reaches the weight.
 *
 * @param x [N, C, H, W]
 * @param cotangent [N, O, H', W']
 * @param kernel [kh, kw]
 * @returns [O, C / groups, kh, kw]
 * @example
 * ```ts
 * import { constant, conv2dWeightGradient, evaluate } from "@anabranch/engine";
 * const image = constant([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
 * const cotangent = constant([1, 0, 0, 0], [1, 1, 2, 2]);
 * evaluate(conv2dWeightGradient(image, cotangent, [2, 2])).data; // => [1, 2, 4, 5]
 * ```
 */
export function conv2dWeightGradient(
  x: Tensor,
  cotangent: Tensor,
  kernel: readonly [number, number],
  options: ConvolutionOptions = {},
): Tensor {
  const attributes = { ...windowAttributes(windows(kernel, options)), groups: options.groups ?? 1 };
  return apply(weightGradientOperator, [x, cotangent], attributes);
}

function windows(kernel: readonly [number, number], options: ConvolutionOptions): Windows {
  const stride = pair(options.stride ?? 1);
  return { kernel, stride, pads: pads(options.padding ?? 0), dilation: pair(options.dilation ?? 1) };
}

function convolutionAttributes(weight: Tensor, options: ConvolutionOptions): Attributes {
  const kernel = imageSize("conv2d", weight.shape);
  return { ...windowAttributes(windows(kernel, options)), groups: options.groups ?? 1 };
}

function groupsOf(attributes: Attributes): number {
  return attributes.groups as number;
}

function requireFit(operator: string, fits: boolean, a: Shape, b: Shape, expected: string): void {
  if (!fits) throw shapeError(operator, "operands do not fit", `${formatShape(a)} and ${formatShape(b)}`, expected);
}

// The map (x, weight) -> y is bilinear: every gradient of one of the three operators is one of the other two.

export const conv2dOperator: Operator = {
  name: "conv2d",
  infer(inputs, attributes) {
    requireFloats("conv2d", inputs);
    const [x, weight] = inputs.map((t) => t.shape) as [Shape, Shape];
    const w = windowsOf(attributes);
    checkWindows("conv2d", w);
    const groups = groupsOf(attributes);
    const size = imageSize("conv2d", x);
    const [channels, filters, each] = [x[1]!, weight[0]!, weight[1]!].map((d) => staticDim(d, "conv2d"));
    const fits = channels === each! * groups && filters! % groups === 0;
    requireFit("conv2d", fits, x, weight, `[N, C, H, W] and [O, C / ${groups}, kh, kw], O divisible by ${groups}`);
    return [{ dtype: "float", shape: images(x[0]!, filters!, outputSize("conv2d", size, w)) }];
  },
  gradient(node, cotangents) {
    const [x, weight] = node.inputs as [Tensor, Tensor];
    const size = imageSize("conv2d", x.shape);
    return [
      apply(inputGradientOperator, [cotangents[0]!, weight], { ...node.attributes, size }),
      apply(weightGradientOperator, [x, cotangents[0]!], node.attributes),
    ];
  },
  lower: (lowering, node, inputs) => [lowerConvolution(lowering, node, inputs)],
  evaluate([x, weight], node) {
    const out = blank([x!.shape[0]!, ...(node.outputs[0]!.shape.slice(1) as number[])]);
    eachProduct(x!.shape, weight!.shape, out.shape, node.attributes, (pixel, tap, position) => {
      out.data[position]! += x!.data[pixel]! * weight!.data[tap]!;
    });
    return [out];
  },
};

export const inputGradientOperator: Operator = {
  name: "conv2dInputGradient",
  infer(inputs, attributes) {
    requireFloats("conv2dInputGradient", inputs);
    const [cotangent, weight] = inputs.map((t) => t.shape) as [Shape, Shape];
    const groups = groupsOf(attributes);
    const size = attributes.size as readonly [number, number];
    const positions = outputSize("conv2dInputGradient", size, windowsOf(attributes));
    const expected = images(cotangent[0]!, weight[0]!, positions);
    const fits = sameShape(cotangent, expected) && (weight[0] as number) % groups === 0;
    requireFit("conv2dInputGradient", fits, cotangent, weight, `${formatShape(expected)} for an input of ${size}`);
    return [{ dtype: "float", shape: images(cotangent[0]!, (weight[1] as number) * groups, size) }];
  },
  gradient(node, cotangents) {
    const [cotangent, weight] = node.inputs as [Tensor, Tensor];
    const { size: _, ...attributes } = node.attributes;
    return [
      apply(conv2dOperator, [cotangents[0]!, weight], attributes),
      apply(weightGradientOperator, [cotangents[0]!, cotangent], attributes),
    ];
  },
  lower: (lowering, node, inputs) => [lowerInputGradient(lowering, node, inputs)],
  evaluate([cotangent, weight], node) {
    const out = blank([cotangent!.shape[0]!, ...(node.outputs[0]!.shape.slice(1) as number[])]);
    eachProduct(out.shape, weight!.shape, cotangent!.shape, node.attributes, (pixel, tap, position) => {
      out.data[pixel]! += cotangent!.data[position]! * weight!.data[tap]!;
    });
    return [out];
  },
};

export const weightGradientOperator: Operator = {
  name: "conv2dWeightGradient",
  infer(inputs, attributes) {
    requireFloats("conv2dWeightGradient", inputs);
    const [x, cotangent] = inputs.map((t) => t.shape) as [Shape, Shape];
    const groups = groupsOf(attributes);
    const w = windowsOf(attributes);
    checkWindows("conv2dWeightGradient", w);
    const [channels, filters] = [x[1]!, cotangent[1]!].map((d) => staticDim(d, "conv2dWeightGradient")) as [
      number,
      number,
    ];
    const positions = outputSize("conv2dWeightGradient", imageSize("conv2dWeightGradient", x), w);
    const expected = images(x[0]!, filters, positions);
    const fits = sameShape(cotangent, expected) && channels % groups === 0 && filters % groups === 0;
    requireFit("conv2dWeightGradient", fits, x, cotangent, `a cotangent of ${formatShape(expected)}`);
    return [{ dtype: "float", shape: [filters, channels / groups, ...w.kernel] }];
  },
  gradient(node, cotangents) {
    const [x, cotangent] = node.inputs as [Tensor, Tensor];
    const size = imageSize("conv2dWeightGradient", x.shape);
    return [
      apply(inputGradientOperator, [cotangent, cotangents[0]!], { ...node.attributes, size }),
      apply(conv2dOperator, [x, cotangents[0]!], node.attributes),
    ];
  },
  lower: (lowering, node, inputs) => [lowerWeightGradient(lowering, node, inputs)],
  evaluate([x, cotangent], node) {
    const out = blank(node.outputs[0]!.shape as number[]);
    eachProduct(x!.shape, out.shape, cotangent!.shape, node.attributes, (pixel, tap, position) => {
      out.data[tap]! += cotangent!.data[position]! * x!.data[pixel]!;
    });
    return [out];
  },
};

function blank(shape: readonly number[]): HostTensor & { readonly data: Float64Array } {
  return { dtype: "float", shape, data: new Float64Array(sizeOfShape(shape)) };
}

/** Calls `visit` with the flat offsets (in x, weight, y) of every product of a convolution. */
function eachProduct(
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  attributes: Attributes,
  visit: (pixel: number, tap: number, position: number) => void,
): void {
  const [batch, channels] = x as [number, number];
  const [filters, each] = weight as [number, number];
  const perGroup = filters / groupsOf(attributes);
  const pixels = x[2]! * x[3]!;
  const positions = y[2]! * y[3]!;
  const taps = weight[2]! * weight[3]!;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < filters; o++) {
      for (let c = 0; c < each; c++) {
        const channel = Math.floor(o / perGroup) * each + c;
        const pixelStart = (n * channels + channel) * pixels;
        const positionStart = (n * filters + o) * positions;
        const tapStart = (o * each + c) * taps;
        eachTap(x.slice(2), y.slice(2), windowsOf(attributes), (pixel, position, tap) => {
          visit(pixelStart + pixel, tapStart + tap, positionStart + position);
        });
      }
    }
  }
}

export const convolutionOperators: readonly Operator[] = [
  conv2dOperator,
  inputGradientOperator,
  weightGradientOperator,
];
