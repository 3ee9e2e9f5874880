import { symmetricEigen } from "@anabranch/engine";

/** Number, mean [q] and covariance [q, q] (over n, not n - 1) of the features of one class at one client. */
export interface ClassStatistics {
  readonly count: number;
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/**
 * The statistics of rows of features.
 *
 * @param rows [n][q], n of 1 or more
 *
 * @example
 * ```ts
 * import { statisticsOf } from "@anabranch/core";
 * [...statisticsOf([[1, 2], [3, 4]]).mean]; // => [2, 3]
 * ```
 */
export function statisticsOf(rows: readonly ArrayLike<number>[]): ClassStatistics {
  const q = rows[0]!.length;
  const mean = Float64Array.from({ length: q }, (_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
  const covariance = new Float64Array(q * q);
  for (const row of rows) addOuter(covariance, row, mean, 1 / rows.length);
  return { count: rows.length, mean, covariance };
}

/**
 * The statistics of the rows of all, exactly: covariances inside, and those of the means around the common mean.
 *
 * Y. Ma, W. Dai, W. Huang, J. Chen, "Geometric Knowledge-Guided Localized Global Distribution Alignment for Federated
 * Learning", CVPR 2025, arXiv:2503.06457.
 *
 * @example
 * ```ts
 * import { pooledStatistics, statisticsOf } from "@anabranch/core";
 * const { mean, covariance } = pooledStatistics([statisticsOf([[0]]), statisticsOf([[3], [3]])]);
 * Array.from(mean); // => [2]
 * Array.from(covariance); // => [2]
 * ```
 */
export function pooledStatistics(parts: readonly ClassStatistics[]): ClassStatistics {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const q = parts[0]!.mean.length;
  const mean = new Float64Array(q);
  for (const part of parts) for (let j = 0; j < q; j++) mean[j]! += (part.count / count) * part.mean[j]!;
  const covariance = new Float64Array(q * q);
  for (const part of parts) {
    const share = part.count / count;
    for (let k = 0; k < covariance.length; k++) covariance[k]! += share * part.covariance[k]!;
    addOuter(covariance, part.mean, mean, share);
  }
  return { count, mean, covariance };
}

/** Adds factor * (x - centre)(x - centre)^T. */
function addOuter(out: Float64Array, x: ArrayLike<number>, centre: Float64Array, factor: number): void {
  const q = centre.length;
  for (let i = 0; i < q; i++) {
    for (let j = 0; j < q; j++) out[i * q + j]! += factor * (x[i]! - centre[i]!) * (x[j]! - centre[j]!);
  }
}

/** Directions in which a class varies: variances in falling order, and unit vectors [k][q], largest entry positive. */
export interface Geometry {
  readonly variances: readonly number[];
  readonly directions: readonly Float64Array[];
}

/**
 * The principal directions of a class.
 *
 * @example
 * ```ts
 * import { geometryOf, statisticsOf } from "@anabranch/core";
 * geometryOf(statisticsOf([[1, 0], [3, 0]])).variances.length; // => 2
 * ```
 */
export function geometryOf({ mean, covariance }: ClassStatistics): Geometry {
  const q = mean.length;
  const { values, vectors } = symmetricEigen(covariance, q);
  const directions = Array.from(values, (_, k) => {
    const direction = Float64Array.from({ length: q }, (_entry, i) => vectors[i * q + k]!);
    const largest = direction.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
    return largest < 0 ? direction.map((x) => -x) : direction;
  });
  return { variances: Array.from(values), directions };
}

/**
 * GGEUR's new example of a class: base + sum_k e_k sqrt(max(v_k, 0)) u_k, with the class's global geometry. The base is an
 * example of the client or, for classes that it lacks, another client's mean.
 *
 * @param draws e, one standard normal number for each direction
 *
 * @example
 * ```ts
 * import { augmentedFeature, geometryOf, statisticsOf } from "@anabranch/core";
 * const geometry = geometryOf(statisticsOf([[1, 0], [3, 0]]));
 * augmentedFeature([5, 5], geometry, [2, 0]); // => [7, 5]
 * ```
 */
export function augmentedFeature(
  base: ArrayLike<number>,
  { variances, directions }: Geometry,
  draws: ArrayLike<number>,
): Float64Array {
  const out = Float64Array.from(base);
  for (const [k, direction] of directions.entries()) {
    const length = draws[k]! * Math.sqrt(Math.max(variances[k]!, 0));
    for (let j = 0; j < out.length; j++) out[j]! += length * direction[j]!;
  }
  return out;
}
