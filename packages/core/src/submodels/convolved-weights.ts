import {
  add,
  conv2d,
  conv2dInputGradient,
  greater,
  mul,
  reshape,
  rsqrt,
  square,
  sum,
  type Tensor,
  transpose,
  where,
} from "@anabranch/engine";

/** A learned map between the weights of a large and of a small model: one filter V [a, b] with a gain. */
export interface WeightMap {
  readonly filter: Tensor;
  readonly gain: Tensor;
}

/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/**
 * Shape of a convolution's weight [out, in, kh, kw] in a model of a ratio: floor(ratio * out) by floor(ratio * in).
 *
 * @example
 * ```ts
 * import { shrunkShape } from "@anabranch/core";
 * shrunkShape([32, 16, 3, 3], 0.75); // => [24, 12, 3, 3]
 * ```
 */
export function shrunkShape([outputs, inputs, ...kernel]: readonly number[], ratio: number): number[] {
  return [Math.floor(ratio * outputs! + SLACK), Math.floor(ratio * inputs! + SLACK), ...kernel];
}

/**
 * 0.85 v above 0, else 0.001 v. Applied once; the released code applies it twice.
 *
 * @example
 * ```ts
 * import { leakyScale } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(leakyScale(constant([2, -2]))).data; // => [1.7, -0.002]
 * ```
 */
export function leakyScale(v: Tensor): Tensor {
  return mul(where(greater(v, 0), 0.85, 0.001), v);
}

/**
 * FedConv's compression of a weight [out, in, kh, kw]: for every kernel position the matrix [out, in] plus `projection`
 * times it (without `residual`, as for linear weights, the product alone) is correlated with gain V / |V|, without padding:
 * [out - a + 1, in - b + 1, kh, kw]. Then `leakyScale`.
 *
 * L. Shen, Q. Yang, K. Cui, Y. Zheng, X.-Y. Wei, J. Liu, J. Han, "FedConv: A Learning-on-Model Paradigm for Heterogeneous
 * Federated Clients", MobiSys 2024.
 *
 * @example
 * ```ts
 * import { compressedWeight } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const weight = constant([1, 2, 3, 4], [2, 2, 1, 1]);
 * const map = { filter: constant([1], [1, 1]), gain: constant([2]) };
 * evaluate(compressedWeight(weight, map, constant(0))).data; // => [1.7, 3.4, 5.1, 6.8]
 * ```
 */
export function compressedWeight(weight: Tensor, map: WeightMap, projection: Tensor, residual = true): Tensor {
  const images = asImages(weight);
  const projected = mul(projection, images);
  const small = conv2d(residual ? add(images, projected) : projected, kernelOf(map));
  return leakyScale(asWeight(small, weight));
}

/**
 * The way back: the transposed correlation of a small weight, [out' + a - 1, in' + b - 1, kh, kw], and `leakyScale`.
 *
 * @example
 * ```ts
 * import { dilatedWeight } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const map = { filter: constant([1, 1, 1, 1], [2, 2]), gain: constant([2]) };
 * const large = dilatedWeight(constant([1], [1, 1, 1, 1]), map);
 * large.shape; // => [2, 2, 1, 1]
 * evaluate(large).data; // => [0.85, 0.85, 0.85, 0.85]
 * ```
 */
export function dilatedWeight(weight: Tensor, map: WeightMap): Tensor {
  const [outputs, inputs] = weight.shape as readonly number[];
  const [a, b] = map.filter.shape as readonly number[];
  const size: [number, number] = [outputs! + a! - 1, inputs! + b! - 1];
  return leakyScale(asWeight(conv2dInputGradient(asImages(weight), kernelOf(map), size), weight));
}

/**
 * sum_i a_i * w_i * s_i, with learned weights a_i for every entry and shares s_i = n_i / sum n.
 *
 * @example
 * ```ts
 * import { weightedWeights } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [one, three, factor] = [constant([1]), constant([3]), constant([1])];
 * evaluate(weightedWeights([one, three], [factor, factor], [0.25, 0.75])).data; // => [2.5]
 * ```
 */
export function weightedWeights(
  weights: readonly Tensor[],
  factors: readonly Tensor[],
  shares: readonly (Tensor | number)[],
): Tensor {
  const terms = weights.map((weight, i) => mul(mul(factors[i]!, weight), shares[i]!));
  return terms.reduce((a, b) => add(a, b));
}

/** [1, 1, a, b], of Frobenius norm `gain`. */
function kernelOf({ filter, gain }: WeightMap): Tensor {
  const [a, b] = filter.shape as readonly number[];
  return reshape(mul(mul(gain, rsqrt(sum(square(filter)))), filter), [1, 1, a!, b!]);
}

/** [out, in, kh, kw] as one image of one channel for every kernel position, [kh * kw, 1, out, in]. */
function asImages(weight: Tensor): Tensor {
  const [outputs, inputs, height, width] = weight.shape as readonly number[];
  return reshape(transpose(weight, [2, 3, 0, 1]), [height! * width!, 1, outputs!, inputs!]);
}

/** The weight of such images; `like` has its kernel. */
function asWeight(images: Tensor, like: Tensor): Tensor {
  const [, , outputs, inputs] = images.shape as readonly number[];
  const [, , height, width] = like.shape as readonly number[];
  return transpose(reshape(images, [height!, width!, outputs!, inputs!]), [2, 3, 0, 1]);
}
