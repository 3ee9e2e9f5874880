import { dot } from "../params/vector.ts";
import type { RandomStream } from "../random/index.ts";
import type { Queries } from "./gaussian-process.ts";
import { solvePositive } from "./solve-positive.ts";

/** Features phi_m(x) = sqrt(2 / M) cos(omega_m . x + beta_m), which all clients share. */
export interface RandomFeatures {
  /** omega, [d][M] */
  readonly frequencies: readonly ArrayLike<number>[];
  /** beta, [M] */
  readonly phases: ArrayLike<number>;
}

/**
 * Features of a Gaussian kernel (A. Rahimi, B. Recht, "Random Features for Large-Scale Kernel Machines", NeurIPS 2007). Uses
 * Math.log: draw them once and hand them to all.
 *
 * @param count M
 *
 * @example
 * ```ts
 * import { drawFeatures, randomStream, rootKey } from "@anabranch/core";
 * const { frequencies, phases } = drawFeatures(2, 8, 1, randomStream(rootKey(1)));
 * [frequencies.length, phases.length]; // => [2, 8]
 * ```
 */
export function drawFeatures(
  dimension: number,
  count: number,
  lengthScale: number,
  stream: Pick<RandomStream, "normal" | "float">,
): RandomFeatures {
  const normals = () => Float64Array.from({ length: count }, () => stream.normal() / lengthScale);
  const frequencies = Array.from({ length: dimension }, normals);
  return { frequencies, phases: Float64Array.from({ length: count }, () => 2 * Math.PI * stream.float()) };
}

/**
 * Weights w [M] of the features that fit known values: (Phi^T Phi + ridge I)^-1 Phi^T y, by the smaller of the two systems
 * that have this solution.
 *
 * @example
 * ```ts
 * import { drawFeatures, featureValue, fitFeatures, randomStream, rootKey } from "@anabranch/core";
 * const features = drawFeatures(1, 32, 1, randomStream(rootKey(1)));
 * const points = [0, 1].map((x) => Float64Array.of(x));
 * const weights = fitFeatures(features, { points, values: [3, 5] }, 1e-6);
 * points.map((x) => Math.round(featureValue(features, weights, x))); // => [3, 5]
 * ```
 */
export function fitFeatures(features: RandomFeatures, { points, values }: Queries, ridge: number): Float64Array {
  const phi = points.map((point) => featuresAt(features, point));
  const count = features.phases.length;
  const weights = new Float64Array(count);
  if (points.length <= count) {
    const dual = solvePositive(
      (i) => phi.slice(0, i + 1).map((row, j) => dot(phi[i]!, row) + (i === j ? ridge : 0)),
      values,
    );
    for (const [i, row] of phi.entries()) for (let m = 0; m < count; m++) weights[m]! += dual[i]! * row[m]!;
    return weights;
  }
  const columns = Array.from({ length: count }, (_, m) => Float64Array.from(phi, (row) => row[m]!));
  return solvePositive(
    (i) => columns.slice(0, i + 1).map((column, j) => dot(columns[i]!, column) + (i === j ? ridge : 0)),
    columns.map((column) => dot(column, values)),
  );
}

/**
 * phi(x) . w
 *
 * @example
 * ```ts
 * import { featureValue } from "@anabranch/core";
 * const features = { frequencies: [[1, 2]], phases: [0, 0] };
 * featureValue(features, [3, 4], Float64Array.of(0)); // => 7
 * ```
 */
export function featureValue(features: RandomFeatures, weights: ArrayLike<number>, x: Float64Array): number {
  return dot(featuresAt(features, x), weights);
}

/**
 * The gradient at x of phi(x) . w, [d]: -sqrt(2 / M) sum_m w_m sin(omega_m . x + beta_m) omega_m.
 *
 * @example
 * ```ts
 * import { featureGradient } from "@anabranch/core";
 * const features = { frequencies: [[1, 2]], phases: [0, 0] };
 * featureGradient(features, [3, 4], Float64Array.of(0.5)); // => [-8.17]
 * ```
 */
export function featureGradient(features: RandomFeatures, weights: ArrayLike<number>, x: Float64Array): Float64Array {
  const { frequencies, phases } = features;
  const scale = Math.sqrt(2 / phases.length);
  const slopes = anglesAt(features, x).map((angle, m) => -scale * weights[m]! * Math.sin(angle));
  return x.map((_, j) => dot(slopes, frequencies[j]!));
}

function featuresAt(features: RandomFeatures, x: Float64Array): Float64Array {
  const scale = Math.sqrt(2 / features.phases.length);
  return anglesAt(features, x).map((angle) => scale * Math.cos(angle));
}

function anglesAt({ frequencies, phases }: RandomFeatures, x: Float64Array): Float64Array {
  const angles = Float64Array.from(phases);
  for (const [j, row] of frequencies.entries()) for (let m = 0; m < angles.length; m++) angles[m]! += row[m]! * x[j]!;
  return angles;
}
