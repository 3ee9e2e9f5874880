import type { Vector } from "../params/vector.ts";

/** Distances between items, [n, n], row-major, symmetric with a diagonal of 0. */
export interface Distances {
  readonly count: number;
  readonly values: Float64Array;
}

/** A distance below this is the rounding of equal directions. */
const NOTHING = 1e-15;

/**
 * D_ij = 1 - cos(x_i, x_j) of equally long vectors, in float64. Each pair is computed once and mirrored, so ties are exact.
 * A vector of norm 0 has no direction: it is at distance 1 from all others.
 *
 * @example
 * ```ts
 * import { cosineDistances } from "@anabranch/core";
 * Array.from(cosineDistances([Float64Array.of(1, 0), Float64Array.of(-2, 0)]).values); // => [0, 2, 2, 0]
 * ```
 */
export function cosineDistances(vectors: readonly Vector[]): Distances {
  const count = vectors.length;
  const norms = vectors.map((x) => Math.sqrt(innerProduct(x, x)));
  const values = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const scale = norms[i]! * norms[j]!;
      const distance = scale === 0 ? 1 : 1 - innerProduct(vectors[i]!, vectors[j]!) / scale;
      values[i * count + j] = distance < NOTHING ? 0 : distance;
      values[j * count + i] = values[i * count + j]!;
    }
  }
  return { count, values };
}

/**
 * The distances among some of the items, in the order that they are named.
 *
 * @example
 * ```ts
 * import { cosineDistances, distancesAmong } from "@anabranch/core";
 * const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
 * distancesAmong(distances, [0, 2]).values; // => [0, 0, 0, 0]
 * ```
 */
export function distancesAmong({ count, values }: Distances, items: readonly number[]): Distances {
  const among = items.flatMap((i) => items.map((j) => values[i * count + j]!));
  return { count: items.length, values: Float64Array.from(among) };
}

/**
 * Mean distance over all pairs of these items; 0 where there is no pair.
 *
 * @example
 * ```ts
 * import { cosineDistances, meanPairDistance } from "@anabranch/core";
 * const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
 * meanPairDistance(distances, [[0, 1], [2]]); // => 1
 * ```
 */
export function meanPairDistance(distances: Distances, groups: readonly (readonly number[])[]): number {
  let sum = 0;
  let pairs = 0;
  for (const items of groups) {
    for (const [k, i] of items.entries()) {
      for (const j of items.slice(k + 1)) {
        sum += distances.values[i * distances.count + j]!;
        pairs++;
      }
    }
  }
  return pairs === 0 ? 0 : sum / pairs;
}

/** <a, b> in float64. */
export function innerProduct(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}
