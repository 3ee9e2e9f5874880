/**
 * RFFL: clients earn a reputation by the cosine of their updates with the aggregate, weigh as much as it says, are removed
 * below a threshold, and receive a share of the aggregate (X. Xu, L. Lyu, "A Reputation Mechanism Is All You Need:
 * Collaborative Fairness and Adversarial Robustness in Federated Learning", FL-ICML 2021, arXiv 2011.10464). Follows the
 * authors' code where it differs: reputations start at 0, so a client with a negative cosine weighs negatively until it is
 * removed.
 */
import type { Vector } from "../params/index.ts";
import { ascendingOrder } from "./rank-vote.ts";

export interface ReputationSettings {
  /** alpha, weight of the reputation so far; 0 to 1. */
  readonly memory: number;
  /** Gamma, largest norm of an update. */
  readonly norm: number;
  /** c: a client is removed below c / (reputable clients). */
  readonly threshold: number;
  /** Rounds, from 0, before the first removal. */
  readonly warmup: number;
}

/** What the server keeps between rounds. */
export interface Reputations {
  /** Rounds so far. */
  readonly round: number;
  /** r, [clients]; 0 of removed ones. */
  readonly values: readonly number[];
  /** Clients that were not removed, ascending. */
  readonly reputable: readonly number[];
}

/** The reputations before the first round. */
export function noReputations(clients: number): Reputations {
  const all = Array.from({ length: clients }, (_, client) => client);
  return { round: 0, values: all.map(() => 0), reputable: all };
}

/**
 * One round of the server: the aggregate u [d] under the reputations of before, and the next reputations.
 *
 * @param updates of all clients, [clients][d]
 * @param samples examples of each client, which weigh the first round
 */
export function reputationRound(
  before: Reputations,
  updates: readonly Vector[],
  samples: readonly number[],
  settings: ReputationSettings,
): { readonly aggregate: Float64Array; readonly after: Reputations } {
  const clipped = updates.map((update) => clippedTo(update, settings.norm));
  const weights = before.round === 0 ? normalised(samples) : before.values;
  const aggregate = new Float64Array(updates[0]!.length);
  for (const [i, update] of clipped.entries())
    for (let j = 0; j < aggregate.length; j++) aggregate[j]! += weights[i]! * update[j]!;
  return { aggregate, after: nextReputations(before, clipped, aggregate, settings) };
}

function nextReputations(
  before: Reputations,
  updates: readonly Vector[],
  aggregate: Vector,
  { memory, threshold, warmup }: ReputationSettings,
): Reputations {
  const { round } = before;
  const old = new Set(before.reputable);
  const values = normalised(
    updates.map((update, i) =>
      old.has(i) ? memory * before.values[i]! + (1 - memory) * cosine(update, aggregate) : 0,
    ),
  );
  if (round < warmup) return { round: round + 1, values, reputable: before.reputable };
  const bound = threshold / before.reputable.length;
  const reputable = before.reputable.filter((client) => values[client]! >= bound);
  const kept = new Set(reputable);
  return { round: round + 1, values: normalised(values.map((value, i) => (kept.has(i) ? value : 0))), reputable };
}

/**
 * What a client receives: in each layer the largest entries of the aggregate, as many as its share of the best reputation, and
 * zeros for the rest.
 *
 * @param layers lengths of the layers, which lie one after the other in the aggregate
 */
export function reward(
  aggregate: Vector,
  layers: readonly number[],
  { values }: Reputations,
  client: number,
): Float64Array {
  const best = Math.max(...values);
  const quota = best > 0 ? Math.max(0, values[client]! / best) : 0;
  const out = new Float64Array(aggregate.length);
  let begin = 0;
  for (const length of layers) {
    const layer = aggregate.subarray(begin, begin + length);
    const largest = ascendingOrder(layer.map((value) => -Math.abs(value)));
    for (const i of largest.subarray(0, Math.ceil(quota * length))) out[begin + i] = layer[i]!;
    begin += length;
  }
  return out;
}

/** The vector scaled down to a norm. */
export function clippedTo(vector: Vector, norm: number): Float64Array {
  const length = Math.sqrt(product(vector, vector));
  const factor = length > norm ? norm / length : 1;
  return Float64Array.from(vector, (value) => factor * value);
}

function cosine(a: Vector, b: Vector): number {
  const lengths = Math.sqrt(product(a, a)) * Math.sqrt(product(b, b));
  return lengths > 0 ? product(a, b) / lengths : 0;
}

function product(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function normalised(values: readonly number[]): readonly number[] {
  const sum = values.reduce((a, b) => a + b, 0);
  return sum === 0 ? values : values.map((value) => value / sum);
}
