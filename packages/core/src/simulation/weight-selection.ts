/**
 * FedPipe's first stage: in the first rounds all adapters train, and clients send how sensitive their loss is to each triplet.
 * The server then keeps the adapters of the weights with the highest scores; the others are dropped, and neither travel nor
 * train any more.
 *
 * Citation: Z. Fang et al., "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models",
 * 2024, arXiv:2404.06448, section 4. Differences: weights are chosen once; adapters are A B, with Lambda = 1.
 */
import { type TensorTree, withPrefix } from "@anabranch/engine";
import { highestScores, matrixScore } from "../adapters/index.ts";
import { observed, type TracedSensitivity, tracedTriplets, unseen } from "../adapters/traced-scores.ts";
import type {
  Algorithm,
  ClientHalf,
  Local,
  LocalStep,
  ParameterTensors,
  Part,
  Payloads,
  ServerState,
  TracedVectors,
} from "../algorithms/algorithm.ts";
import type { AdapterPair } from "../models/model.ts";
import { entryView, type Layout, layout as layoutFrom, subLayout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { copy, type Vector } from "../params/vector.ts";

export interface WeightSelection {
  /** Of the parameters that travel. */
  readonly layout: Layout;
  /** Of the weights that have adapters, in order. */
  readonly pairs: readonly AdapterPair[];
  /** What may be kept, as numbers of weights in rising order, all of one length. */
  readonly sets: readonly (readonly number[])[];
  /** Rounds before weights are chosen. */
  readonly after: number;
}

/** Server vectors: scores of all triplets, added up over rounds, and 1 for each weight that is kept, 0 before there are any. */
const [SCORES, KEPT] = ["adapterScores", "keptAdapters"] as const;
/** Vectors of the broadcast: what belongs to no adapter, and each adapter. */
const REST = "rest";
const adapterOf = ({ weight }: AdapterPair) => `adapter.${weight}`;

/** Part of the clients of the first rounds, who send everything. The set at i is part i + 1. */
const EVERYTHING = 0;
const NOTHING = layoutFrom([]);

/**
 * Which weights keep their adapters, by number; empty before they are chosen.
 *
 * @param vectors of the server
 */
export function keptWeights(vectors: Readonly<Record<string, Vector>>): number[] {
  return Array.from(vectors[KEPT]!).flatMap((flag, i) => (flag === 1 ? [i] : []));
}

/**
 * A method whose clients receive the model and send one change of it, with the selection around it. The model goes down as
 * a vector for each adapter. Clients are given those that are kept; the others are zeros for them, and have no gradient.
 */
export function withWeightSelection(method: Algorithm, settings: WeightSelection): Algorithm {
  const { layout, pairs, sets, after } = settings;
  const pieces = piecesOf(layout, pairs);
  const numbers = new Map(sets.map((kept, i) => [kept.join(), i + 1]));
  const scores = scoreLayout(layout, pairs);
  const split = (state: ServerState, round: number) => {
    const { parameters } = method.broadcast(state, {}, round);
    return Object.fromEntries(
      Object.entries(pieces).map(([name, piece]) => [name, partOf(layout, parameters!, piece)]),
    );
  };
  return {
    ...method,
    payloads: (model, training) => selectedPayloads(method.payloads(model, training), settings),
    client: scoringHalf(method.client, pairs),
    init(parameters, model) {
      const { vectors, scalars } = method.init(parameters, model);
      const start = { [SCORES]: new Float64Array(scores.size), [KEPT]: new Float64Array(pairs.length) };
      return { vectors: { ...vectors, ...start }, scalars };
    },
    assign: (_parts, cohort, _key, _round, state) => {
      const kept = keptWeights(state!.vectors);
      return cohort.map(() => (kept.length === 0 ? EVERYTHING : numbers.get(kept.join())!));
    },
    broadcast: (state, _scalars, round) => split(state, round),
    own(state, _client, round) {
      const kept = keptWeights(state.vectors);
      const dropped = pairs.filter((_, i) => kept.length > 0 && !kept.includes(i)).map(adapterOf);
      return Object.fromEntries(Object.entries(split(state, round)).filter(([name]) => !dropped.includes(name)));
    },
    update(state, { [SCORES]: sent, ...aggregate }, context) {
      const next = method.update(state, aggregate, context);
      const sums = Float64Array.from(state.vectors[SCORES]!);
      const known = keptWeights(state.vectors);
      if (known.length === 0) for (let i = 0; i < sums.length; i++) sums[i]! += sent![i]!;
      const kept = known.length > 0 || context.round < after ? known : bestSet(sums, scores, settings);
      const flags = Float64Array.from(pairs, (_, i) => (kept.includes(i) ? 1 : 0));
      const parameters = kept.length === 0 ? next.vectors.parameters : withoutDropped(next.vectors, kept, settings);
      return { ...next, vectors: { ...next.vectors, parameters, [SCORES]: sums, [KEPT]: flags } };
    },
    report(before, after) {
      const kept = keptWeights(after.vectors);
      const given = method.report?.(before, after);
      if (kept.length === 0 || keptWeights(before.vectors).length > 0) return given;
      return { rule: "highest scores", dropped: [], ...given, weights: kept.map((i) => pairs[i]!.weight) };
    },
  };
}

/** What goes down, by vector: the adapter of each weight, and the rest. */
function piecesOf(layout: Layout, pairs: readonly AdapterPair[]): Record<string, Layout> {
  const factors = new Set(pairs.flatMap(({ a, b }) => [a, b]));
  const rest = subLayout(layout, ({ name }) => !factors.has(name));
  const adapters = pairs.map((pair) => [adapterOf(pair), subLayout(layout, isOf([pair]))]);
  return { ...Object.fromEntries(adapters), ...(rest.size === 0 ? {} : { [REST]: rest }) };
}

const isOf = (pairs: readonly AdapterPair[]) => (entry: { readonly name: string }) =>
  pairs.some(({ a, b }) => entry.name === a || entry.name === b);

/** A number for each triplet, by weight. */
function scoreLayout({ entries }: Layout, pairs: readonly AdapterPair[]): Layout {
  const shapes = new Map(entries.map(({ name, shape }) => [name, shape]));
  return layoutFrom(
    pairs.map(({ weight, a, b }) => {
      const dense = shapes.get(a)!.length === 2;
      return { name: weight, shape: [dense ? shapes.get(b)![0]! : shapes.get(a)![0]!], role: "vector", block: weight };
    }),
  );
}

function selectedPayloads(plain: Payloads, { layout, pairs, sets }: WeightSelection): Payloads {
  const [[name, upload]] = Object.entries(plain.upload) as [[string, Payloads["upload"][string]]];
  const scores = scoreLayout(layout, pairs);
  const factors = isOf(pairs);
  const chosen = sets.map((kept): Part => {
    const held = isOf(kept.map((i) => pairs[i]!));
    return { [name]: subLayout(layout, (entry) => !factors(entry) || held(entry)), [SCORES]: NOTHING };
  });
  const pieces = piecesOf(layout, pairs);
  return {
    ...plain,
    broadcast: pieces,
    own: Object.keys(pieces),
    upload: { [name]: upload, [SCORES]: { layout: scores, aggregation: upload.aggregation } },
    parts: [{ [name]: layout, [SCORES]: scores }, ...chosen],
  };
}

interface Scoring {
  readonly inner: TensorTree;
  readonly seen: TracedSensitivity;
}

/** The client half with the model put together again, which also scores the gradients that its steps ask for first. */
function scoringHalf(half: ClientHalf, pairs: readonly AdapterPair[]): ClientHalf {
  const joined = <L extends Local>(local: L): L => {
    const parameters: ParameterTensors = Object.assign({}, ...Object.values(local.broadcast));
    return { ...local, broadcast: { parameters } };
  };
  return {
    ...half,
    ...(half.penalty && { penalty: (batch, local) => half.penalty!(batch, joined(local)) }),
    ...(half.refresh && { refresh: (model, settings) => withPrefix("inner", half.refresh!(model, settings)) }),
    begin(local, settings) {
      const whole = joined(local);
      const carry: Scoring = {
        inner: half.begin(whole, settings),
        seen: unseen(pairs, whole.broadcast["parameters"]!),
      };
      return carry as unknown as TensorTree;
    },
    step(carry, local, settings) {
      const { inner, seen } = carry as unknown as Scoring;
      let next = seen;
      const watched: LocalStep = {
        ...joined(local),
        gradient(parameters) {
          const found = local.gradient(parameters);
          if (next === seen) next = observed(pairs, seen, parameters, found.gradients);
          return found;
        },
      };
      const after = half.step(inner, watched, settings);
      return { carry: { inner: after.carry, seen: next } as unknown as TensorTree, loss: after.loss };
    },
    end(carry, local) {
      const { inner, seen } = carry as unknown as Scoring;
      const { update, state } = half.end(inner, joined(local));
      return { update: { ...update, [SCORES]: tracedTriplets(pairs, seen) } as TracedVectors, state };
    },
  };
}

/** The weights of the highest sums of triplets. */
function bestSet(sums: Float64Array, { entries }: Layout, { pairs, sets }: WeightSelection): number[] {
  const places = new Map(entries.map((entry) => [entry.name, entry]));
  const scores = pairs.map(({ weight }) => {
    const triplets = Array.from(entryView(sums, places.get(weight)!));
    return matrixScore(triplets, triplets.length);
  });
  return highestScores(scores, sets[0]!.length);
}

/** The model with zeros for the adapters that are not kept. */
function withoutDropped(
  { parameters }: { readonly parameters: Vector },
  kept: readonly number[],
  { layout, pairs }: WeightSelection,
): Vector {
  const next = copy(parameters);
  const dropped = isOf(pairs.filter((_, i) => !kept.includes(i)));
  for (const entry of layout.entries) if (dropped(entry)) entryView(next, entry).fill(0);
  return next;
}
