import type { Vector } from "../params/vector.ts";
import { cosineDistances, meanPairDistance } from "./distances.ts";
import { averageLinkage } from "./linkage.ts";

/** When a cluster becomes two. */
export interface SplitRule {
  /** The children's average cosine distance must be above this. */
  readonly distance: number;
  /** Fewest clients of a child. */
  readonly minimumClients: number;
}

/** A cluster's best division into two, and whether it is made. */
export interface Split {
  /** Of all merges by average linkage, ascending; the last is the distance between the children. */
  readonly heights: readonly number[];
  /** Mean distance over the pairs inside the children; 0 where both have one member. */
  readonly within: number;
  /** Mean distance over all pairs. */
  readonly overall: number;
  /** Members of the children by their places, the child with the lowest first. */
  readonly children: readonly [readonly number[], readonly number[]];
  readonly accepted: boolean;
}

/** The mean distance inside the children may be at most this part of that over all pairs. */
const LARGEST_PART = 0.9;

/**
 * Divides the updates of a cluster by undoing the last merge of average linkage on cosine distances. It is accepted where
 * the children are further apart than `distance`, both are large enough, and pairs inside them are at least 10 % closer
 * than all pairs. Fewer than two updates cannot be divided: undefined.
 *
 * A reconstruction of Y. Yeganeh et al., "Adaptive Personlization in Federated Learning for Highly Non-i.i.d. Data", 2022,
 * arXiv:2207.03448, whose abstract has no rule.
 *
 * @example
 * ```ts
 * import { adaptiveSplit } from "@anabranch/core";
 * const updates = [1, 1, -1, -1].map((x) => Float64Array.of(x));
 * adaptiveSplit(updates, { distance: 0.5, minimumClients: 2 })?.children; // => [[0, 1], [2, 3]]
 * ```
 */
export function adaptiveSplit(updates: readonly Vector[], rule: SplitRule): Split | undefined {
  if (updates.length < 2) return undefined;
  const distances = cosineDistances(updates);
  const merges = averageLinkage(distances);
  const { clusters: children, height } = merges.at(-1)!;
  const within = meanPairDistance(distances, children);
  const overall = meanPairDistance(distances, [updates.map((_, i) => i)]);
  const large = children.every((child) => child.length >= rule.minimumClients);
  return {
    heights: merges.map((merge) => merge.height),
    ...{ within, overall, children },
    accepted: height > rule.distance && large && within <= LARGEST_PART * overall,
  };
}

/**
 * Part of the mean update that a model takes in a round of Reptile: from 1 in the first round down to 0.1 in the last.
 *
 * A. Nichol, J. Achiam, J. Schulman, "On First-Order Meta-Learning Algorithms", 2018, arXiv:1803.02999.
 *
 * @param round counts from 0
 *
 * @example
 * ```ts
 * import { reptileStep } from "@anabranch/core";
 * [0, 9].map((round) => reptileStep(round, 10)); // => [1, 0.1]
 * ```
 */
export function reptileStep(round: number, rounds: number): number {
  return rounds <= 1 ? 1 : 1 - (0.9 * Math.min(round, rounds - 1)) / (rounds - 1);
}
