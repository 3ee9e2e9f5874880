/**
 * RFFL: clients earn a reputation by the cosine of their updates with the aggregate, weigh as much as it says, are removed
 * below a threshold, and receive a share of the aggregate (X. Xu, L. Lyu, "A Reputation Mechanism Is All You Need:
 * Collaborative Fairness and Adversarial Robustness in Federated Learning", FL-ICML 2021, arXiv 2011.10464). Follows the
 * authors' code where it differs: reputations start at 0, so a client with a negative cosine weighs negatively until it is
 * removed. Not theirs: reputations whose sum is not positive are not divided by it, and the last client stays.
 */
import { largestEntries } from "../compression/index.ts";
import type { Vector } from "../params/index.ts";
import type { RuleReport } from "./rule-report.ts";

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

/** What a round of the server comes to. */
export interface ReputationRound {
  /** Updates of at most the largest norm, [clients][d]. */
  readonly clipped: readonly Float64Array[];
  /** What they weighed. */
  readonly weights: readonly number[];
  /** u, [d] */
  readonly aggregate: Float64Array;
  readonly after: Reputations;
}

/**
 * One round of the server: the aggregate u [d] under the reputations of before, and the next reputations.
 *
 * @param updates of all clients, [clients][d]; zeros of those that sent none, which have a cosine of 0
 * @param samples examples of each client, which weigh the first round
 */
export function reputationRound(
  before: Reputations,
  updates: readonly Vector[],
  samples: readonly number[],
  settings: ReputationSettings,
): ReputationRound {
  const clipped = updates.map((update) => clippedTo(update, settings.norm));
  const weights = before.round === 0 ? normalised(samples) : before.values;
  const aggregate = new Float64Array(updates[0]!.length);
  for (const [i, update] of clipped.entries())
    for (let j = 0; j < aggregate.length; j++) aggregate[j]! += weights[i]! * update[j]!;
  return { clipped, weights, aggregate, after: nextReputations(before, clipped, aggregate, settings) };
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
  const above = before.reputable.filter((client) => values[client]! >= bound);
  // without anyone left there would be no aggregate any more
  const reputable = above.length > 0 ? above : before.reputable;
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
  reputations: Reputations,
  client: number,
): Float64Array {
  const out = new Float64Array(aggregate.length);
  let begin = 0;
  for (const [l, places] of rewardedPlaces(aggregate, layers, reputations, client).entries()) {
    for (const i of places) out[begin + i] = aggregate[begin + i]!;
    begin += layers[l]!;
  }
  return out;
}

/** Places within each layer whose entries a client receives, ascending. */
export function rewardedPlaces(
  aggregate: Vector,
  layers: readonly number[],
  { values }: Pick<Reputations, "values">,
  client: number,
): readonly Uint32Array[] {
  const best = Math.max(...values);
  const quota = best > 0 ? Math.max(0, values[client]! / best) : 0;
  let begin = 0;
  return layers.map((length) => {
    const layer = aggregate.subarray(begin, begin + length);
    begin += length;
    return largestEntries(layer, Math.ceil(quota * length));
  });
}

/** Who was removed, who is left, and the reputation of each client. */
export function reputationReport(before: Reputations, after: Reputations): RuleReport {
  const left = new Set(after.reputable);
  return {
    rule: "reputation",
    dropped: before.reputable.filter((client) => !left.has(client)),
    selected: after.reputable,
    trust: after.values.map((value, client): [number, number] => [client, value]),
  };
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
  // a sum below 0 would make the worst client the best
  return sum > 0 ? values.map((value) => value / sum) : values;
}
