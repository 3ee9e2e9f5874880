import type { Vector } from "../params/vector.ts";
import { cosineDistances, type Distances } from "./distances.ts";
import { averageLinkage, cutToClusters } from "./linkage.ts";

/**
 * How far updates disagree, in [0, 1]: |D|_F / sqrt(4 n (n - 1)) of their cosine distances. 0: all alike; 0.5: orthogonal;
 * 1: two that are opposite. Of fewer than two updates it is 0.
 *
 * M. Zuziak, R. Pellungrini, S. Rinzivillo, "One-Shot Clustering for Federated Learning", IEEE BigData 2024,
 * arXiv:2503.04231.
 *
 * @example
 * ```ts
 * import { clusteringTemperature, cosineDistances } from "@anabranch/core";
 * clusteringTemperature(cosineDistances([Float64Array.of(1, 0), Float64Array.of(0, 1)])); // => 0.5
 * ```
 */
export function clusteringTemperature({ count, values }: Distances): number {
  if (count < 2) return 0;
  let squares = 0;
  for (const distance of values) squares += distance * distance;
  return Math.sqrt(squares / (4 * count * (count - 1)));
}

/** What one round's updates say about clustering now. */
export interface OneShotVerdict {
  readonly temperature: number;
  /** The cluster of each update, by first appearance, where the updates are to be clustered now. */
  readonly assignment?: readonly number[];
}

/**
 * Clusters once, in the first round whose temperature is above that of the round before: average linkage on cosine
 * distances, cut to a number of clusters.
 *
 * @param last temperature of the round before; absent: there was none, so nothing is clustered
 *
 * @example
 * ```ts
 * import { oneShotClusters } from "@anabranch/core";
 * const updates = [[1, 0], [0, 1], [1, 0]].map((one) => Float64Array.from(one));
 * oneShotClusters(updates, 0.2, 2).assignment; // => [0, 1, 0]
 * ```
 */
export function oneShotClusters(
  updates: readonly Vector[],
  last: number | undefined,
  clusters: number,
): OneShotVerdict {
  const distances = cosineDistances(updates);
  const temperature = clusteringTemperature(distances);
  if (last === undefined || !(temperature > last)) return { temperature };
  return { temperature, assignment: cutToClusters(averageLinkage(distances), clusters) };
}
