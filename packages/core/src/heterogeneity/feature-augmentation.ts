import {
  add,
  div,
  expandDims,
  gather,
  greater,
  matmul,
  maximum,
  mean,
  mul,
  oneHot,
  softmaxCrossEntropy,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import { entropies, headLogits, type LinearHead } from "./losses.ts";

/** How far training has come from real features to synthetic ones, and how much the latter weigh. */
export interface Ramp {
  /** r = exp(gamma (t - T)), at most 1. */
  readonly ramp: number;
  /** rho = min(0.5, r) */
  readonly rho: number;
}

/**
 * r and rho of an iteration.
 *
 * @param iteration t, from 0
 * @param horizon T, where r becomes 1
 *
 * @example
 * ```ts
 * import { augmentationRamp } from "@anabranch/core";
 * augmentationRamp(0, 10, 1).ramp; // => 0
 * ```
 */
export function augmentationRamp(iteration: number, horizon: number, gamma: number): Ramp {
  const ramp = Math.min(1, Math.exp(gamma * (iteration - horizon)));
  return { ramp, rho: Math.min(0.5, ramp) };
}

/** Rows of features [n, q] of classes [n], with weights [n] of sum 1; rows of weight 0 do not count. */
export interface WeightedRows {
  readonly features: Tensor;
  /** int32 */
  readonly labels: Tensor;
  readonly weights: Tensor;
}

/**
 * Running mean features of the classes of a client [C, q], traced: c <- (1 - m) c + m * mean of the batch, for classes in the
 * batch.
 *
 * @example
 * ```ts
 * import { updatedClassMeans } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const rows = {
 *   features: constant([2, 4], [2, 1]),
 *   labels: constant([0, 0], [2], "int32"),
 *   weights: constant([0.5, 0.5], [2]),
 * };
 * evaluate(updatedClassMeans(constant([0, 1], [2, 1]), rows, 0.5)).data; // => [1.5, 1]
 * ```
 */
export function updatedClassMeans(
  means: Tensor,
  { features, labels, weights }: WeightedRows,
  momentum: number,
): Tensor {
  const present = where(greater(weights, 0), 1, 0);
  const members = mul(oneHot(labels, means.shape[0] as number), expandDims(present, 1));
  const counts = expandDims(sum(members, [0]), 1);
  const found = div(matmul(members, features, { transposeA: true }), maximum(counts, 1));
  const moved = add(mul(means, 1 - momentum), mul(found, momentum));
  return where(greater(counts, 0), moved, means);
}

/** A batch of FRAug with what the generator and the client's own network made of it. */
export interface AugmentedBatch {
  /** Real features. */
  readonly real: WeightedRows;
  /** What the generator made for labels [R, q] that are balanced over the classes. */
  readonly generated: WeightedRows;
  /** The client's residuals for base features of the balanced labels (A) [R, q] and of the real ones (B) [n, q]. */
  readonly residuals: readonly [a: Tensor, b: Tensor];
  /** [C, q] */
  readonly classMeans: Tensor;
}

/** The same as traced scalars. */
export type TracedRamp = Readonly<Record<keyof Ramp, number | Tensor>>;

/**
 * FRAug's losses: of the classifier (1 - rho) L_real + rho L_syn, where synthetic features train the head alone; of the
 * generator CE - lambda_G MSE(g, class mean), recognisable but far from the client; of the client's network
 * -entropy + lambda_R MSE, close to the client's features and as uncertain as can be.
 *
 * H. Chen, A. Frikha, D. Krompass, J. Gu, V. Tresp, "FRAug: Tackling Federated Learning with Non-IID Features via
 * Representation Augmentation", ICCV 2023.
 *
 * @example
 * ```ts
 * import { augmentationLosses, augmentationRamp } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const row = (value: number, label: number) => {
 *   return { features: constant([value], [1, 1]), labels: constant([label], [1], "int32"), weights: constant([1], [1]) };
 * };
 * const still = constant([0], [1, 1]);
 * const batch = { real: row(1, 0), generated: row(-1, 1), residuals: [still, still] as const };
 * const head = { weight: constant([1, -1], [2, 1]) };
 * const classMeans = constant([1, -1], [2, 1]);
 * const weights = { generator: 0.1, residual: 0.1 };
 * evaluate(augmentationLosses(head, { ...batch, classMeans }, augmentationRamp(0, 10, 1), weights).real).data; // => [0.1269]
 * ```
 */
export function augmentationLosses(
  head: LinearHead,
  { real, generated, residuals, classMeans }: AugmentedBatch,
  { ramp, rho }: TracedRamp,
  { generator, residual }: { readonly generator: number; readonly residual: number },
): Readonly<Record<"real" | "synthetic" | "classifier" | "generator" | "residual", Tensor>> {
  const baseA = gather(classMeans, generated.labels, 0);
  const entropyOf = (features: Tensor, { labels, weights }: WeightedRows) =>
    sum(mul(weights, softmaxCrossEntropy(headLogits(head, features), labels)));
  const distance = (x: Tensor) => sum(mul(generated.weights, mean(square(sub(x, baseA)), [1])));
  const plain = entropyOf(real.features, real);
  const synthetic = mul(
    0.5,
    add(
      entropyOf(blend(baseA, residuals[0], ramp), generated),
      entropyOf(blend(real.features, residuals[1], ramp), real),
    ),
  );
  const moved = add(baseA, residuals[0]);
  const uncertainty = sum(mul(generated.weights, entropies(headLogits(head, moved))));
  return {
    ...{ real: plain, synthetic },
    classifier: add(mul(sub(1, rho), plain), mul(rho, synthetic)),
    generator: sub(entropyOf(generated.features, generated), mul(generator, distance(generated.features))),
    residual: sub(mul(residual, distance(moved)), uncertainty),
  };
}

/** r (base + residual) + (1 - r) base, which passes no gradient on. */
function blend(base: Tensor, residual: Tensor, ramp: number | Tensor): Tensor {
  return stopGradient(add(base, mul(ramp, residual)));
}
