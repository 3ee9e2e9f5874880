import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { conv2d as convolve } from "../ops/convolution.ts";
import { add } from "../ops/elementwise.ts";
import { maxPool2d } from "../ops/pooling.ts";
import { reshape } from "../ops/shape.ts";
import { type Initialization, torchInitialization } from "./initializers.ts";
import { hasManyRows, type LowRankParts, lowRankParts } from "./low-rank.ts";
import { type Module, parameter, stateless } from "./module.ts";

export interface ConvolutionOptions {
  /** Pixels between outputs. Default 1. */
  readonly stride?: number;
  /** Zeros added on every side. Default 0. */
  readonly padding?: number;
  /** Default 1. */
  readonly dilation?: number;
  /** Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default: PyTorch's. */
  readonly initialization?: Initialization;
}

/**
 * Square convolution: [N, inputs, H, W] -> [N, outputs, H', W'].
 * Parameters weight [outputs, inputs / groups, size, size], bias [outputs].
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const layer = nn.conv2d("conv", 1, 8, 3);
 * nn.countParameters(layer.parameters); // => 80
 * ```
 */
export function conv2d(
  name: string,
  inputs: number,
  outputs: number,
  size: number,
  options: ConvolutionOptions = {},
): Module {
  const {
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
    bias = true,
    initialization = torchInitialization,
  } = options;
  if (inputs % groups !== 0 || outputs % groups !== 0) {
    throw new AnabranchError({
      code: "engine/option",
      message: "the channels do not divide into groups",
      where: name,
      received: `${inputs} to ${outputs} channels, ${groups} groups`,
      expected: "both counts multiples of the number of groups",
      advice: "Choose a number of groups that divides both.",
    });
  }
  const fanIn = (inputs / groups) * size * size;
  const fanOut = (outputs / groups) * size * size;
  const weight = parameter(
    name,
    "weight",
    [outputs, inputs / groups, size, size],
    "convKernel",
    initialization.weight(fanIn, fanOut),
  );
  const offset = parameter(name, "bias", [outputs], "vector", initialization.bias(fanIn));
  return {
    parameters: bias ? [weight, offset] : [weight],
    masks: [],
    apply(p, x) {
      const kernel = p[weight.name]!;
      const parts = groups === 1 ? lowRankParts(kernel) : undefined;
      const of = (part: Tensor) => convolve(x, part, { stride, padding, dilation, groups });
      const y = parts === undefined ? of(kernel) : lowRank(of, kernel, parts);
      return bias ? add(y, perChannel(p[offset.name]!)) : y;
    },
  };
}

/** The convolution with a sum of a weight and the product of two factors. */
function lowRank(of: (part: Tensor) => Tensor, sum: Tensor, parts: LowRankParts): Tensor {
  const y = of(sum);
  const [images, , height, width] = y.shape;
  // One gradient of the whole kernel takes less time than two thin convolutions and their gradients.
  if (hasManyRows([images!, height!, width!], sum.shape)) return y;
  return add(of(parts.weight), convolve(of(parts.a), parts.b));
}

/** [channels, 1, 1]; a model with fewer channels has fewer. */
function perChannel(bias: Tensor): Tensor {
  return reshape(bias, [bias.shape[0]!, 1, 1]);
}

/**
 * Maximum over windows of size x size; `stride` defaults to `size`.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * evaluate(nn.maxPool(2).apply({}, constant([1, 2, 3, 4], [1, 1, 2, 2]))).data; // => [4]
 * ```
 */
export function maxPool(size: number, options: { readonly stride?: number; readonly padding?: number } = {}): Module {
  const { stride = size, padding = 0 } = options;
  return stateless((x) => maxPool2d(x, { size, stride, padding }));
}
