import { apply } from "../graph/apply.ts";
import type { Attributes, Node, Operator, Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import type { HostTensor, Shape } from "../graph/types.ts";
import { requireFloats, shapeError } from "./operands.ts";
import {
  lowerAveragePool,
  lowerAveragePoolGradient,
  lowerMaxPool,
  lowerMaxPoolGradient,
  lowerMaxPoolSelect,
} from "./pooling-lowering.ts";
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
  windowAttributes,
  windowsOf,
} from "./windows.ts";

/** Window extent, how far it moves (default: its own extent, so windows tile) and padding (default 0). */
export interface PoolingOptions {
  readonly size: Pair;
  readonly stride?: Pair;
  readonly padding?: Padding;
}

/**
 * Largest value of each window; padding never wins. Its gradient is shared equally among ties, so that every executor agrees.
 *
 * @param x [N, C, H, W]
 * @returns [N, C, H', W'] with H' = floor((H + top + bottom - size) / stride) + 1
 * @example
 * ```ts
 * import { constant, evaluate, maxPool2d } from "@anabranch/engine";
 * const image = constant([1, 2, 3, 4], [1, 1, 2, 2]);
 * evaluate(maxPool2d(image, { size: 2 })).data; // => [4]
 * ```
 */
export function maxPool2d(x: Tensor, options: PoolingOptions): Tensor {
  return apply(maxPoolOperator, [x], poolingAttributes(options));
}

/**
 * Mean of each window; padding counts as zeros.
 *
 * @param x [N, C, H, W]
 * @returns [N, C, H', W']
 * @example
 * ```ts
 * import { avgPool2d, constant, evaluate } from "@anabranch/engine";
 * const image = constant([1, 2, 3, 4], [1, 1, 2, 2]);
 * evaluate(avgPool2d(image, { size: 2 })).data; // => [2.5]
 * ```
 */
export function avgPool2d(x: Tensor, options: PoolingOptions): Tensor {
  return apply(averagePoolOperator, [x], poolingAttributes(options));
}

function poolingAttributes(options: PoolingOptions): Attributes {
  const stride = pair(options.stride ?? options.size);
  return windowAttributes({ kernel: pair(options.size), stride, pads: pads(options.padding ?? 0), dilation: [1, 1] });
}

function pooledShape(operator: string, x: Shape, attributes: Attributes): Shape {
  const w = windowsOf(attributes);
  checkWindows(operator, w);
  if (w.pads.some((p, i) => p >= w.kernel[i % 2]!)) {
    const received = `padding ${w.pads}, window ${w.kernel}`;
    throw shapeError(
      operator,
      "some windows would lie in the padding only",
      received,
      "padding smaller than the window",
    );
  }
  return images(x[0]!, x[1]!, outputSize(operator, imageSize(operator, x), w));
}

export const maxPoolOperator: Operator = {
  name: "maxPool2d",
  infer(inputs, attributes) {
    requireFloats("maxPool2d", inputs);
    return [{ dtype: "float", shape: pooledShape("maxPool2d", inputs[0]!.shape, attributes) }];
  },
  gradient(node, cotangents) {
    const x = node.inputs[0]!;
    const y: Tensor = { node, output: 0, ...node.outputs[0]! };
    return [apply(maxPoolGradientOperator, [x, y, cotangents[0]!], node.attributes)];
  },
  lower: (lowering, node, inputs) => [lowerMaxPool(lowering, node, inputs)],
  evaluate([x], node) {
    const out = blank(x!, node, -Infinity);
    eachPixel(x!.shape, out.shape, node.attributes, (pixel, position) => {
      out.data[position] = Math.max(out.data[position]!, x!.data[pixel]!);
    });
    return [out];
  },
};

/** (x, max of windows, cotangent) -> gradient of x. Linear in the cotangent; piecewise constant in x. */
export const maxPoolGradientOperator: Operator = {
  name: "maxPool2dGradient",
  infer: (inputs) => [inputs[0]!],
  gradient(node, cotangents) {
    const [x, y] = node.inputs as [Tensor, Tensor, Tensor];
    return [undefined, undefined, apply(maxPoolSelectOperator, [x, y, cotangents[0]!], node.attributes)];
  },
  lower: (lowering, node, inputs) => [lowerMaxPoolGradient(lowering, node, inputs)],
  evaluate([x, y, cotangent], node) {
    const out = blank(x!, node, 0);
    const ties = countTies(x!, y!, node.attributes);
    eachPixel(x!.shape, y!.shape, node.attributes, (pixel, position) => {
      if (x!.data[pixel] === y!.data[position]) out.data[pixel]! += cotangent!.data[position]! / ties[position]!;
    });
    return [out];
  },
};

/** (x, max of windows, v shaped as x) -> mean of v over the tied positions of each window: the adjoint of the gradient. */
export const maxPoolSelectOperator: Operator = {
  name: "maxPool2dSelect",
  infer: (inputs) => [inputs[1]!],
  gradient(node, cotangents) {
    const [x, y] = node.inputs as [Tensor, Tensor, Tensor];
    return [undefined, undefined, apply(maxPoolGradientOperator, [x, y, cotangents[0]!], node.attributes)];
  },
  lower: (lowering, node, inputs) => [lowerMaxPoolSelect(lowering, node, inputs)],
  evaluate([x, y, values], node) {
    const out = blank(y!, node, 0);
    const ties = countTies(x!, y!, node.attributes);
    eachPixel(x!.shape, y!.shape, node.attributes, (pixel, position) => {
      if (x!.data[pixel] === y!.data[position]) out.data[position]! += values!.data[pixel]! / ties[position]!;
    });
    return [out];
  },
};

export const averagePoolOperator: Operator = {
  name: "avgPool2d",
  infer(inputs, attributes) {
    requireFloats("avgPool2d", inputs);
    return [{ dtype: "float", shape: pooledShape("avgPool2d", inputs[0]!.shape, attributes) }];
  },
  gradient(node, cotangents) {
    const size = imageSize("avgPool2d", node.inputs[0]!.shape);
    return [apply(averagePoolGradientOperator, [cotangents[0]!], { ...node.attributes, size })];
  },
  lower: (lowering, node, inputs) => [lowerAveragePool(lowering, node, inputs)],
  evaluate([x], node) {
    const out = blank(x!, node, 0);
    const area = windowsOf(node.attributes).kernel.reduce((a, b) => a * b);
    eachPixel(x!.shape, out.shape, node.attributes, (pixel, position) => {
      out.data[position]! += x!.data[pixel]! / area;
    });
    return [out];
  },
};

/** Adjoint of `avgPool2d`: cotangent [N, C, H', W'] -> [N, C, H, W], with [H, W] the attribute `size`. */
export const averagePoolGradientOperator: Operator = {
  name: "avgPool2dGradient",
  infer: (inputs, attributes) => {
    const [batch, channels] = inputs[0]!.shape;
    return [{ dtype: "float", shape: images(batch!, channels!, attributes.size as readonly number[]) }];
  },
  gradient(node, cotangents) {
    const { size: _, ...attributes } = node.attributes;
    return [apply(averagePoolOperator, [cotangents[0]!], attributes)];
  },
  lower: (lowering, node, inputs) => [lowerAveragePoolGradient(lowering, node, inputs)],
  evaluate([cotangent], node) {
    const out = blank(cotangent!, node, 0);
    const area = windowsOf(node.attributes).kernel.reduce((a, b) => a * b);
    eachPixel(out.shape, cotangent!.shape, node.attributes, (pixel, position) => {
      out.data[pixel]! += cotangent!.data[position]! / area;
    });
    return [out];
  },
};

/** An output of `node` filled with one value; batch and channels are those of `like`. */
function blank(like: HostTensor, node: Node, value: number): HostTensor & { readonly data: Float64Array } {
  const shape = [like.shape[0]!, like.shape[1]!, ...(node.outputs[0]!.shape.slice(2) as number[])];
  return { dtype: "float", shape, data: new Float64Array(sizeOfShape(shape)).fill(value) };
}

/** Calls `visit` with the flat offsets of every (pixel, window position) pair. */
function eachPixel(
  x: readonly number[],
  y: readonly number[],
  attributes: Attributes,
  visit: (pixel: number, position: number) => void,
): void {
  const pixels = x[2]! * x[3]!;
  const positions = y[2]! * y[3]!;
  for (let plane = 0; plane < x[0]! * x[1]!; plane++) {
    eachTap(x.slice(2), y.slice(2), windowsOf(attributes), (pixel, position) => {
      visit(plane * pixels + pixel, plane * positions + position);
    });
  }
}

function countTies(x: HostTensor, y: HostTensor, attributes: Attributes): Float64Array {
  const ties = new Float64Array(y.data.length);
  eachPixel(x.shape, y.shape, attributes, (pixel, position) => {
    if (x.data[pixel] === y.data[position]) ties[position]!++;
  });
  return ties;
}

export const poolingOperators: readonly Operator[] = [
  maxPoolOperator,
  maxPoolGradientOperator,
  maxPoolSelectOperator,
  averagePoolOperator,
  averagePoolGradientOperator,
];
