import { aggregatePairs, LAMBDA, relativeLambda, type WeightedUpdate } from "../adapters/index.ts";
import { type PlacedPair, pairsIn, readPair, writePair } from "../adapters/model-pairs.ts";
import type { Algorithm, RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { ModelAdapters } from "../models/model.ts";
import { type Vector, zerosLike } from "../params/vector.ts";

/** Rules that see the factors of every client. */
export type PairRule = "lora-fair" | "flexlora" | "zero-pad";

/** How the factors of low-rank adapters become one pair. */
export interface PairRuleSettings {
  readonly rule: PairRule;
  readonly adapters: Pick<ModelAdapters, "pairs" | "scale">;
  /** lora-fair: in units of the mean eigenvalue of A A^T. Default 0.01. */
  readonly lambda?: number | undefined;
  /** Where the values of a client lie in the model, where ranks differ; absent: everyone has all. */
  readonly places?: ((client: number, round: number, server: ServerState["vectors"]) => Int32Array) | undefined;
}

/**
 * A method whose server half is given, in place of the mean change of each factor, the change to the pair that a rule makes
 * of all clients' pairs. Other parameters are averaged as before. Throws `algorithm/pairs` for methods whose clients send
 * something else than one change of the model.
 *
 * @example withPairRule(fedavg(), { rule: "flexlora", adapters: model.adapters! })
 */
export function withPairRule(method: Algorithm, settings: PairRuleSettings): Algorithm {
  return {
    ...method,
    payloads(model, training) {
      const { upload, ...payloads } = method.payloads(model, training);
      const each = Object.entries(upload).map(([name, sent]) => [name, { ...sent, aggregation: "each" }]);
      return { ...payloads, upload: Object.fromEntries(each) };
    },
    update(state, aggregate, context) {
      const [[name, updates]] = Object.entries(aggregate) as [[string, Vector]];
      const change = combinedChange(state.vectors, updates, context, settings);
      return method.update(state, { ...aggregate, [name]: change }, context);
    },
  };
}

/** [d] from updates [clients, d]: means, and for pairs what the rule gives minus what they were. */
function combinedChange(
  server: ServerState["vectors"],
  updates: Vector,
  { layout, weights = [], clients = [], round }: RoundContext,
  { rule, adapters, lambda = LAMBDA, places }: PairRuleSettings,
): Vector {
  const { parameters: global } = server;
  const change = meanChange(updates, weights, layout.size);
  const held = clients.map((client) => places?.(client, round, server));
  const rows = weights.map((_, k) => added(global, updates.subarray(k * layout.size, (k + 1) * layout.size), held[k]));
  if (rows.length === 0) return change;
  for (const pair of pairsIn(layout, adapters)) {
    const before = readPair(pair, global, adapters.scale);
    const sent = rows.map((row, k): WeightedUpdate => {
      return { ...readPair(pair, row, adapters.scale), weight: weights[k]! };
    });
    placeChange(pair, change, global, combined(rule, sent, before, lambda));
  }
  if (rule === "zero-pad" && places !== undefined) keepUnsent(change, held);
  return change;
}

function combined(rule: PairRule, sent: readonly WeightedUpdate[], before: Pair, lambda: number): Pair {
  // factors of lower ranks are filled with zeros already
  const mean = aggregatePairs("fedit", sent);
  switch (rule) {
    case "zero-pad":
      return mean;
    case "flexlora":
      return alive(alive(aggregatePairs("flexlora", sent, { rank: mean.a.rows }), mean), before);
    case "lora-fair":
      return aggregatePairs("lora-fair", sent, { lambda: relativeLambda(mean, lambda) });
  }
}

/** Ranks that no client of the round has stay as they are: as zeros they would never learn again. */
function keepUnsent(change: Vector, held: readonly (Int32Array | undefined)[]): void {
  const sent = new Uint8Array(change.length);
  for (const places of held) for (const place of places!) sent[place] = 1;
  for (const [i, flag] of sent.entries()) if (flag === 0) change[i] = 0;
}

type Pair = Pick<WeightedUpdate, "a" | "b">;

/** A direction without a singular value would never learn again: A keeps what it was in another pair, B is 0. */
function alive({ a, b }: Pair, mean: Pair): Pair {
  const kept = { ...a, data: a.data.slice() };
  for (let j = 0; j < a.rows; j++) {
    const row = kept.data.subarray(j * a.columns, (j + 1) * a.columns);
    if (row.every((value) => value === 0)) row.set(mean.a.data.subarray(j * a.columns, (j + 1) * a.columns));
  }
  return { a: kept, b };
}

function placeChange(pair: PlacedPair, change: Vector, global: Vector, made: Pair): void {
  writePair(pair, change, made);
  for (const { offset, size } of [pair.entries.a, pair.entries.b])
    for (let i = offset; i < offset + size; i++) change[i]! -= global[i]!;
}

/** What a client has sent, with zeros where it has nothing. */
function added(global: Vector, update: Vector, places: Int32Array | undefined): Float64Array {
  if (places === undefined) return Float64Array.from(global, (value, i) => value + update[i]!);
  const sent = new Float64Array(global.length);
  for (const i of places) sent[i] = global[i]! + update[i]!;
  return sent;
}

/** The weighted mean [size] of updates [clients, size]; zeros without clients. */
export function meanChange(updates: Vector, weights: readonly number[], size: number): Vector {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = zerosLike(updates, size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k]! * updates[k * size + i]!;
    mean[i] = total > 0 ? sum / total : 0;
  }
  return mean;
}
