import { add, constant, gather, mul, neg, stopGradient, sub, type Tensor } from "@anabranch/engine";
import { crossEntropy, headLogits, type LinearHead, meanEntropy, meanSquare } from "./losses.ts";

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

/**
 * Running mean features of the classes of a client, c <- (1 - m) c + m * mean of the batch, for classes in the batch.
 *
 * @example
 * ```ts
 * import { updatedClassMeans } from "@anabranch/core";
 * updatedClassMeans([[0], [1]], [[2], [4]], [0, 0], 0.5); // => [[1.5], [1]]
 * ```
 */
export function updatedClassMeans(
  means: readonly (readonly number[])[],
  features: readonly (readonly number[])[],
  labels: readonly number[],
  momentum: number,
): number[][] {
  return means.map((old, label) => {
    const members = features.filter((_, i) => labels[i] === label);
    if (members.length === 0) return [...old];
    return old.map((value, j) => {
      const mean = members.reduce((sum, row) => sum + row[j]!, 0) / members.length;
      return (1 - momentum) * value + momentum * mean;
    });
  });
}

/** A batch of FRAug with what the generator and the client's own network made of it. */
export interface AugmentedBatch {
  /** Real features [B, q] and their labels [B]. */
  readonly features: Tensor;
  readonly labels: readonly number[];
  /** Labels [B] that are balanced over the classes. */
  readonly balanced: readonly number[];
  /** Generator outputs for `balanced`, [B, q]. */
  readonly generated: Tensor;
  /** The client's residuals for base features of `balanced` (A) and of `labels` (B), [B, q]. */
  readonly residuals: readonly [a: Tensor, b: Tensor];
  /** [C][q] */
  readonly classMeans: readonly (readonly number[])[];
}

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
 * const row = (value: number) => constant([value], [1, 1]);
 * const batch = { features: row(1), labels: [0], balanced: [1], generated: row(-1), classMeans: [[1], [-1]] };
 * const head = { weight: constant([1, -1], [2, 1]) };
 * const weights = { generator: 0.1, residual: 0.1 };
 * const more = { ...batch, residuals: [row(0), row(0)] as const };
 * evaluate(augmentationLosses(head, more, augmentationRamp(0, 10, 1), weights).real).data; // => [0.1269]
 * ```
 */
export function augmentationLosses(
  head: LinearHead,
  batch: AugmentedBatch,
  { ramp, rho }: Ramp,
  { generator, residual }: { readonly generator: number; readonly residual: number },
): Readonly<Record<"real" | "synthetic" | "classifier" | "generator" | "residual", Tensor>> {
  const { generated, residuals, features } = batch;
  const [labels, balanced] = [batch.labels, batch.balanced].map((list) => constant(list, [list.length], "int32"));
  const means = constant(batch.classMeans.flat(), [batch.classMeans.length, batch.classMeans[0]!.length]);
  const baseA = gather(means, balanced!, 0);
  const real = crossEntropy(headLogits(head, features), labels!);
  const paths = [
    crossEntropy(headLogits(head, blend(baseA, residuals[0], ramp)), balanced!),
    crossEntropy(headLogits(head, blend(features, residuals[1], ramp)), labels!),
  ] as const;
  const synthetic = mul(0.5, add(...paths));
  const moved = add(baseA, residuals[0]);
  return {
    ...{ real, synthetic },
    classifier: add(mul(1 - rho, real), mul(rho, synthetic)),
    generator: sub(crossEntropy(headLogits(head, generated), balanced!), mul(generator, meanSquare(generated, baseA))),
    residual: add(neg(meanEntropy(headLogits(head, moved))), mul(residual, meanSquare(moved, baseA))),
  };
}

/** r (base + residual) + (1 - r) base, which passes no gradient on. */
function blend(base: Tensor, residual: Tensor, ramp: number): Tensor {
  return stopGradient(add(base, mul(ramp, residual)));
}
