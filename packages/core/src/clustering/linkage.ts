import type { Distances } from "./distances.ts";

/** Two clusters that became one. Members are in ascending order, and the cluster with the lowest member is first. */
export interface Merge {
  readonly clusters: readonly [readonly number[], readonly number[]];
  /** Average distance between the members of one and those of the other. */
  readonly height: number;
}

/**
 * Agglomerative clustering by average linkage: the two clusters of smallest average distance merge until one is left, n - 1
 * times; of equal distances, the pair with the lowest members. Heights never fall.
 *
 * R. R. Sokal, C. D. Michener, "A statistical method for evaluating systematic relationships", 1958 (UPGMA).
 *
 * @example
 * ```ts
 * import { averageLinkage } from "@anabranch/core";
 * const values = Float64Array.of(0, 1, 4, 1, 0, 6, 4, 6, 0);
 * averageLinkage({ count: 3, values }).map(({ height }) => height); // => [1, 5]
 * ```
 */
export function averageLinkage({ count, values }: Distances): Merge[] {
  const between = Float64Array.from(values);
  // a cluster is at the place of its lowest member
  const clusters = Array.from({ length: count }, (_, i): readonly number[] | undefined => [i]);
  const merges: Merge[] = [];
  while (merges.length < count - 1) {
    const [i, j] = closest(clusters, between, count);
    const [a, b] = [clusters[i]!, clusters[j]!];
    merges.push({ clusters: [a, b], height: between[i * count + j]! });
    for (let k = 0; k < count; k++) {
      if (clusters[k] === undefined || k === i || k === j) continue;
      const total = a.length * between[i * count + k]! + b.length * between[j * count + k]!;
      between[i * count + k] = total / (a.length + b.length);
      between[k * count + i] = between[i * count + k]!;
    }
    clusters[i] = [...a, ...b].sort((x, y) => x - y);
    clusters[j] = undefined;
  }
  return merges;
}

/** Places of the two clusters of smallest distance, the lower first. */
function closest(clusters: readonly unknown[], between: Float64Array, count: number): [number, number] {
  let best: [number, number] = [0, 1];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    if (clusters[i] === undefined) continue;
    for (let j = i + 1; j < count; j++) {
      if (clusters[j] === undefined || !(between[i * count + j]! < least)) continue;
      least = between[i * count + j]!;
      best = [i, j];
    }
  }
  return best;
}

/**
 * The clustering into `clusters` groups that undoing the last merges gives: the cluster of each item, [n], numbered by
 * first appearance. More clusters than items: every item is its own.
 *
 * @example
 * ```ts
 * import { averageLinkage, cutToClusters } from "@anabranch/core";
 * const values = Float64Array.of(0, 4, 1, 4, 0, 6, 1, 6, 0);
 * cutToClusters(averageLinkage({ count: 3, values }), 2); // => [0, 1, 0]
 * ```
 */
export function cutToClusters(merges: readonly Merge[], clusters: number): number[] {
  const count = merges.length + 1;
  // the lowest member of each item's cluster
  const lowest = Array.from({ length: count }, (_, i) => i);
  for (const { clusters: merged } of merges.slice(0, Math.max(0, count - clusters))) {
    const [first, second] = merged;
    for (const item of second) lowest[item] = first[0]!;
  }
  return numbered(lowest);
}

/**
 * Labels renamed 0, 1, ... by first appearance.
 *
 * @example
 * ```ts
 * import { numbered } from "@anabranch/core";
 * numbered([7, 3, 7]); // => [0, 1, 0]
 * ```
 */
export function numbered(labels: readonly number[]): number[] {
  const names = new Map<number, number>();
  return labels.map((label) => {
    if (!names.has(label)) names.set(label, names.size);
    return names.get(label)!;
  });
}
