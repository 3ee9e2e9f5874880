/**
 * All updates of a cohort at once, for rules that cannot fold (medians, trimmed means, pairwise distances).
 *
 * Citation: none; this only keeps what the rule of a method will read.
 * Update rule: out = { (x_1, w_1), ..., (x_m, w_m) } in cohort order.
 * Symbols: x_k -> `vector` [d]; w_k -> `weight`.
 * State: m x d floats on the server, nothing on clients. Wire cost: that of the updates, d floats up per client.
 * Differences from the paper: none.
 */
import type { Vector } from "../params/index.ts";
import type { FoldRule } from "./fold.ts";

/** How an uploaded entry is aggregated; "set" hands all updates to the algorithm. */
export type AggregationRule = FoldRule | "set";

/** One update [d] with its weight. */
export interface WeightedUpdate {
  readonly vector: Vector;
  readonly weight: number;
}

/** The updates of a cohort in the order in which they were added. */
export interface UpdateSet {
  /** Keeps the vector itself: it must not change before the round ends. */
  add(vector: Vector, weight: number): void;
  readonly updates: readonly WeightedUpdate[];
}

/** An empty set of updates. */
export function updateSet(): UpdateSet {
  const updates: WeightedUpdate[] = [];
  return {
    add: (vector, weight) => void updates.push({ vector, weight }),
    updates,
  };
}
