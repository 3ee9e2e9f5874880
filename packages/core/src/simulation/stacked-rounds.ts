import { exactUpdate, type WeightedUpdate } from "../adapters/index.ts";
import { addDelta, pairsIn, readPair } from "../adapters/model-pairs.ts";
import type { Algorithm, ClientHalf, RoundContext } from "../algorithms/algorithm.ts";
import { withParametersBeside } from "../client/parameters-beside.ts";
import type { ModelAdapters } from "../models/model.ts";
import { entryView, type Layout, subLayout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { copy, type Vector } from "../params/vector.ts";
import { meanChange } from "./pair-rule.ts";

/** Of a model whose adapters are merged into its weights after every round. */
export interface StackedRounds {
  /** Of the adapted weights and all that is trained. */
  readonly layout: Layout;
  readonly adapters: Pick<ModelAdapters, "pairs" | "scale">;
  /** Fresh parameters of a round in this layout, of which the first factors are taken. */
  fresh(round: number): Vector;
}

/** Name of the broadcast vector with the adapted weights. */
const BASE = "base";

/**
 * FLoRA: the weights take in the mean of the products of all clients, exactly, and every round begins with fresh factors, A
 * drawn and B zero. The weights go down whole, so that clients need not have been in every round; the paper sends the stacked
 * factors, which all clients have to receive in every round.
 *
 * Citation: Z. Wang et al., "FLoRA: Federated Fine-Tuning Large Language Models with Heterogeneous Low-Rank Adaptations",
 * NeurIPS 2024, arXiv:2409.05976, Algorithm 1.
 */
export function withStackedRounds(method: Algorithm, rounds: StackedRounds): Algorithm {
  const { layout: all, adapters } = rounds;
  const weights = new Set(adapters.pairs.map(({ weight }) => weight));
  const base = subLayout(all, ({ name }) => weights.has(name));
  const trained = partWithout(all, weights);
  return {
    ...method,
    payloads(model, training) {
      const { upload, ...payloads } = method.payloads(partWithout(model, weights), training);
      const each = Object.entries(upload).map(([name, sent]) => [name, { ...sent, aggregation: "each" }]);
      return { ...payloads, broadcast: { ...payloads.broadcast, [BASE]: base }, upload: Object.fromEntries(each) };
    },
    init: (parameters) => {
      const { vectors, scalars } = method.init(partOf(all, parameters, trained), trained);
      return { vectors: { ...vectors, parameters }, scalars };
    },
    client: withBase(method.client, weights),
    broadcast(state, scalars, round) {
      const inner = {
        ...state,
        vectors: { ...state.vectors, parameters: partOf(all, state.vectors.parameters, trained) },
      };
      return { ...method.broadcast(inner, scalars, round), [BASE]: partOf(all, state.vectors.parameters, base) };
    },
    update(state, aggregate, context) {
      const before = state.vectors.parameters;
      const start = partOf(all, before, trained);
      const [[name, updates]] = Object.entries(aggregate) as [[string, Vector]];
      const within = { ...context, layout: trained };
      const inner = { ...state, vectors: { ...state.vectors, parameters: start } };
      const change = meanChange(updates, context.weights ?? [], trained.size);
      const next = method.update(inner, { ...aggregate, [name]: change }, within);
      const parameters = copy(before);
      place(parameters, all, next.vectors.parameters, trained);
      mergeProducts(parameters, start, updates, within, rounds);
      return { ...next, vectors: { ...next.vectors, parameters } };
    },
  };
}

/** W <- W + sum_k p_k s B_k A_k; A fresh, B zero. */
function mergeProducts(
  parameters: Vector,
  start: Vector,
  updates: Vector,
  { layout: trained, weights = [], round }: Pick<RoundContext, "layout" | "weights" | "round">,
  { layout: all, adapters, fresh }: StackedRounds,
): void {
  const drawn = fresh(round);
  const places = new Map(all.entries.map((entry) => [entry.name, entry]));
  const rows = weights.map((_, k) => start.map((value, i) => value + updates[k * trained.size + i]!) as Vector);
  for (const pair of pairsIn(trained, adapters)) {
    const { weight } = adapters.pairs.find(({ a }) => a === pair.entries.a.name)!;
    const into = entryView(parameters, places.get(weight)!);
    const clients = rows.map((row, k): WeightedUpdate => {
      return { ...readPair(pair, row, adapters.scale), weight: weights[k]! };
    });
    if (clients.length > 0) addDelta(into, exactUpdate(clients), pair.entries.a.shape.length === 2);
    const first = places.get(pair.entries.a.name)!;
    entryView(parameters, first).set(entryView(drawn, first));
    entryView(parameters, places.get(pair.entries.b.name)!).fill(0);
  }
}

function place(into: Vector, all: Layout, values: Vector, part: Layout): void {
  const places = new Map(all.entries.map((entry) => [entry.name, entry]));
  for (const entry of part.entries) entryView(into, places.get(entry.name)!).set(entryView(values, entry));
}

function partWithout(layout: Layout, names: ReadonlySet<string>): Layout {
  return subLayout(layout, ({ name }) => !names.has(name));
}

/** A client half that trains all parameters of a model but those of these names, which go down beside them. */
function withBase(half: ClientHalf, weights: ReadonlySet<string>): ClientHalf {
  const inner = <L extends { readonly model: Layout }>(local: L): L => ({
    ...local,
    model: partWithout(local.model, weights),
  });
  return {
    ...half,
    begin: (local, settings) => half.begin(inner(local), settings),
    step(carry, local, settings) {
      return half.step(carry, withParametersBeside(inner(local), local.broadcast[BASE]!), settings);
    },
    end: (carry, local) => half.end(carry, inner(local)),
  };
}
