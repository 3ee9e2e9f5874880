import type { Tensor } from "../graph/graph.ts";
import { staticShape } from "../graph/shape.ts";
import { sum } from "./broadcast.ts";
import { add, div, mul, sqrt, square, sub } from "./elementwise.ts";
import { shapeError, showTensors } from "./operands.ts";
import { mean as meanOver } from "./reductions.ts";
import { reshape } from "./shape.ts";

const EPSILON = 1e-5;

/** Moments of each channel of a batch, [C]. */
export interface BatchMoments {
  readonly mean: Tensor;
  /** The mean square (no n - 1). */
  readonly variance: Tensor;
}

/**
 * Standardizes each channel over the rows of a batch and their positions, then scales and shifts it. Rows count by their
 * weights, so that a row of weight 0 changes nothing.
 * S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.
 *
 * @param x [N, C, ...]; all extents but N are static
 * @param weights [N], of sum 1
 * @param gamma [C]
 * @param beta [C]
 * @example
 * ```ts
 * import { batchNorm, constant, evaluate } from "@anabranch/engine";
 * const x = constant([1, 3, 100], [3, 1]); // the last row is padding
 * const { y, mean } = batchNorm(x, constant([0.5, 0.5, 0], [3]), constant([1], [1]), constant([0], [1]), 0);
 * evaluate(y).data.slice(0, 2); // => [-1, 1]
 * evaluate(mean).data; // => [2]
 * ```
 */
export function batchNorm(
  x: Tensor,
  weights: Tensor,
  gamma: Tensor,
  beta: Tensor,
  epsilon = EPSILON,
): BatchMoments & { readonly y: Tensor } {
  const perChannel = channelShape(x);
  const weight = reshape(weights, [x.shape[0]!, 1]);
  const average = (t: Tensor): Tensor => sum(mul(weight, positionMean(t)), [0]);
  const mean = average(x);
  const centered = sub(x, reshape(mean, perChannel));
  const variance = average(square(centered));
  const scale = div(gamma, sqrt(add(variance, epsilon)));
  const y = add(mul(centered, reshape(scale, perChannel)), reshape(beta, perChannel));
  return { y, mean, variance };
}

/**
 * Batch normalization with given moments in place of those of the batch: each row by itself, as a trained model is used.
 *
 * @param x [N, C, ...]
 * @param gamma [C]
 * @param beta [C]
 * @example
 * ```ts
 * import { constant, evaluate, normalizeBy } from "@anabranch/engine";
 * const of = (value: number) => constant([value], [1]);
 * const y = normalizeBy(constant([5, 9], [2, 1]), { mean: of(1), variance: of(4) }, of(1), of(0), 0);
 * evaluate(y).data; // => [2, 4]
 * ```
 */
export function normalizeBy(
  x: Tensor,
  { mean, variance }: BatchMoments,
  gamma: Tensor,
  beta: Tensor,
  epsilon = EPSILON,
): Tensor {
  const perChannel = channelShape(x);
  const scale = div(gamma, sqrt(add(variance, epsilon)));
  const shift = sub(beta, mul(mean, scale));
  return add(mul(x, reshape(scale, perChannel)), reshape(shift, perChannel));
}

/** [C, 1, ...], which broadcasts over x. */
function channelShape(x: Tensor): number[] {
  if (x.shape.length < 2)
    throw shapeError("batchNorm", "there is no axis of channels", showTensors([x]), "[N, C, ...]");
  const [channels, ...rest] = staticShape(x.shape.slice(1), "batchNorm") as [number, ...number[]];
  return [channels, ...rest.map(() => 1)];
}

/** [N, C] from [N, C, ...]. */
function positionMean(x: Tensor): Tensor {
  const axes = x.shape.slice(2).map((_, i) => i + 2);
  return axes.length === 0 ? x : meanOver(x, axes);
}
