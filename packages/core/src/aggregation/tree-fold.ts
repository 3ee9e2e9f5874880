/**
 * Weighted means folded in a tree of aggregators, and where their updates are placed.
 *
 * Citation: S. Qi, K. K. Ramakrishnan, M. Lee. "LIFL: A Lightweight, Event-driven Serverless Platform for Federated Learning".
 * MLSys 2024, arXiv:2405.10968.
 *
 * An aggregator sends one partial sum, (sum w x, sum w), to the one above it. The result is the mean of FedAvg, up to the
 * order of summation, which the tree fixes.
 */
import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../params/vector.ts";

/** An aggregator is the list of what it receives; an update is its number. */
export interface AggregatorTree extends ReadonlyArray<AggregatorTree | number> {}

/** What an aggregator sends: sum of w x [d] in float64, and sum of w. */
export interface PartialSum {
  readonly sum: Float64Array;
  readonly weight: number;
}

export interface TreeMean {
  readonly aggregate: Float64Array;
  readonly weight: number;
  /** Messages between nodes of the tree, those of clients included. */
  readonly messages: number;
}

/**
 * The weighted mean of updates [n][d] over a tree. Throws `aggregation/tree` for an update that does not exist or comes
 * twice, and `aggregation/empty` without weight.
 *
 * @example
 * ```ts
 * import { treeMean } from "@anabranch/core";
 * const updates = [1, 2, 6].map((value) => Float64Array.of(value));
 * const { aggregate, messages } = treeMean([[0, 1], [2]], updates, [1, 2, 1]);
 * aggregate; // => [2.75]
 * messages; // => 5
 * ```
 */
export function treeMean(tree: AggregatorTree, updates: readonly Vector[], weights: readonly number[]): TreeMean {
  const size = updates[0]?.length ?? 0;
  const seen = new Set<number>();
  let messages = 0;
  const fold = (node: AggregatorTree | number): PartialSum => {
    if (typeof node === "number") return one(node);
    const sum = new Float64Array(size);
    let weight = 0;
    for (const child of node) {
      const part = fold(child);
      messages += 1;
      weight += part.weight;
      for (let i = 0; i < size; i++) sum[i] = sum[i]! + part.sum[i]!;
    }
    return { sum, weight };
  };
  const one = (update: number): PartialSum => {
    const vector = updates[update];
    const weight = weights[update];
    if (vector === undefined || weight === undefined || seen.has(update)) throw notAnUpdate(update, updates.length);
    seen.add(update);
    return { sum: Float64Array.from(vector, (value) => weight * value), weight };
  };
  const { sum, weight } = fold(tree);
  if (weight > 0) return { aggregate: sum.map((value) => value / weight), weight, messages };
  throw new AnabranchError({
    code: "aggregation/empty",
    message: "there is nothing to take a mean of",
    received: `updates with weights that sum to ${weight}`,
    expected: "at least one update of positive weight",
  });
}

/** A machine that aggregates. */
export interface AggregationNode {
  /** Updates that it can hold at a time. */
  readonly capacity: number;
  /** Updates per second that arrive already, and seconds that aggregating one takes. */
  readonly arrivalRate: number;
  readonly aggregationTime: number;
}

/**
 * Places updates on nodes by best fit: each goes to the node with the least residual capacity that still has room for it.
 * Ties: the first node. `placement` is null for updates that no node has room for.
 *
 * @example
 * ```ts
 * import { placeUpdates } from "@anabranch/core";
 * const node = (capacity: number) => ({ capacity, arrivalRate: 0, aggregationTime: 1 });
 * placeUpdates([node(3), node(1)], 3).placement; // => [1, 0, 0]
 * ```
 */
export function placeUpdates(nodes: readonly AggregationNode[], updates: number) {
  const residual = nodes.map(({ capacity, arrivalRate, aggregationTime }) => capacity - arrivalRate * aggregationTime);
  const placement: (number | null)[] = [];
  for (let update = 0; update < updates; update++) {
    let best: number | null = null;
    for (const [node, room] of residual.entries())
      if (room >= 1 && (best === null || room < residual[best]!)) best = node;
    placement.push(best);
    if (best !== null) residual[best]! -= 1;
  }
  return { placement, residual };
}

/**
 * Leaf aggregators after each observed queue length: ceil(q / fanIn), where q is the exponentially smoothed length,
 * smoothing * length + (1 - smoothing) * q, from 0.
 *
 * @example
 * ```ts
 * import { planLeaves } from "@anabranch/core";
 * planLeaves([4, 8], 0.5, 2); // => [1, 3]
 * ```
 */
export function planLeaves(queueLengths: readonly number[], smoothing: number, fanIn: number): number[] {
  let smoothed = 0;
  return queueLengths.map((length) => {
    smoothed = smoothing * length + (1 - smoothing) * smoothed;
    return Math.ceil(smoothed / fanIn);
  });
}

function notAnUpdate(update: number, count: number): AnabranchError {
  return new AnabranchError({
    code: "aggregation/tree",
    message: "the tree has an update that does not exist or that it has already",
    received: String(update),
    expected: `each of 0 to ${count - 1} once at most`,
  });
}
