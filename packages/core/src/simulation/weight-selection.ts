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
import { copy, type Vector, zerosLike } from "../params/vector.ts";
import type { SubModels } from "../submodels/index.ts";

export interface WeightSelection {
  /** Of the parameters that travel. */
  readonly layout: Layout;
  /** Of the weights that have adapters, in order. */
  readonly pairs: readonly AdapterPair[];
  /** What may be kept, as numbers of weights in rising order, all of one length. */
  readonly sets: readonly (readonly number[])[];
  /** Rounds before weights are chosen. */
  readonly after: number;
  /** Models of clients with adapters of other ranks; absent: all have the same. */
  readonly tiers?: SubModels | undefined;
}

/** Server vectors: scores of all triplets, added up over rounds, and 1 for each weight that is kept, 0 before there are any. */
const [SCORES, KEPT] = ["adapterScores", "keptAdapters"] as const;
/** Vectors of the broadcast: what belongs to no adapter, and each adapter. */
const REST = "rest";
const adapterOf = ({ weight }: AdapterPair) => `adapter.${weight}`;

const NOTHING = layoutFrom([]);

/**
 * Which weights keep their adapters, by number; empty before they are chosen.
 *
 * @param vectors of the server
 */
export function keptWeights(vectors: Readonly<Record<string, Vector>>): number[] {
  return Array.from(vectors[KEPT]!).flatMap((flag, i) => (flag === 1 ? [i] : []));
}

/** Which part a client sends; all adapters come first, then the sets, for each tier. */
export function selectionPart(
  client: number,
  vectors: Readonly<Record<string, Vector>>,
  { sets, tiers }: Pick<WeightSelection, "sets" | "tiers">,
): number {
  const kept = keptWeights(vectors).join();
  const set = kept === "" ? 0 : 1 + sets.findIndex((one) => one.join() === kept);
  return set * (tiers?.parts.length ?? 1) + (tiers?.partOf(client, 1) ?? 0);
}

/**
 * A method whose clients receive the model and send one change of it, with the selection around it. The model goes down as
 * a vector for each adapter. Clients are given those that are kept; the others are zeros for them, and have no gradient.
 */
export function withWeightSelection(method: Algorithm, settings: WeightSelection): Algorithm {
  const { layout, pairs, after, tiers } = settings;
  const scores = scoreLayout(layout, pairs);
  const split = (parameters: Vector, own: Layout) =>
    Object.entries(piecesOf(own, pairs)).map(([name, piece]) => [name, partOf(own, parameters, piece)] as const);
  return {
    ...method,
    payloads: (model, training) => selectedPayloads(method.payloads(model, training), model, settings),
    client: scoringHalf(method.client, pairs),
    init(parameters, model) {
      const { vectors, scalars } = method.init(parameters, model);
      const start = { [SCORES]: new Float64Array(scores.size), [KEPT]: new Float64Array(pairs.length) };
      return { vectors: { ...vectors, ...start }, scalars };
    },
    assign: (_parts, cohort, _key, _round, state) =>
      cohort.map((client) => selectionPart(client, state!.vectors, settings)),
    broadcast: (state, _scalars, round) =>
      Object.fromEntries(split(method.broadcast(state, {}, round)["parameters"]!, layout)),
    own(state, client, round) {
      const kept = keptWeights(state.vectors);
      const dropped = pairs.filter((_, i) => kept.length > 0 && !kept.includes(i)).map(adapterOf);
      const whole = method.broadcast(state, {}, round)["parameters"]!;
      const tier = tiers?.partOf(client, round);
      const [own, values] =
        tiers === undefined
          ? [layout, whole]
          : [tiers.parts[tier!]!.layout, valuesAt(whole, tiers.places(tier!, round))];
      return Object.fromEntries(split(values, own).filter(([name]) => !dropped.includes(name)));
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

/** Of a client with these entries: all of the model, or what belongs to a tier. */
function selectedPayloads(plain: Payloads, model: Layout, settings: WeightSelection): Payloads {
  const [[name, upload]] = Object.entries(plain.upload) as [[string, Payloads["upload"][string]]];
  const { pairs, layout, tiers } = settings;
  const pieces = piecesOf(model, pairs);
  const own = {
    ...plain,
    broadcast: pieces,
    own: Object.keys(pieces),
    upload: {
      [name]: upload,
      // scores are means also where factors are combined one by one
      [SCORES]: {
        layout: scoreLayout(model, pairs),
        aggregation: upload.aggregation === "each" ? ("weightedMean" as const) : upload.aggregation,
      },
    },
  };
  // those of a tier are given the parts of the whole
  if (model.hash !== layout.hash) return own;
  const parts = selectionParts(settings);
  const named = parts.map(({ sent, scored }): Part => ({ [name]: sent, [SCORES]: scored }));
  if (tiers === undefined) return { ...own, parts: named };
  const leading = tiers.parts.map((tier) => leadingScores(layout, tier.layout, pairs));
  const places = parts.map(({ tier, sent }) => keptPlaces(tiers, tier, sent));
  return {
    ...own,
    parts: named,
    places: (part, _round, vector) =>
      vector === SCORES
        ? parts[part]!.scored.size === 0
          ? new Int32Array(0)
          : leading[parts[part]!.tier]!
        : places[part]!,
  };
}

/** What the clients of each part send, in order of `selectionPart`. */
function selectionParts({ layout, pairs, sets, tiers }: WeightSelection) {
  const factors = isOf(pairs);
  const models = tiers?.parts.map((tier) => tier.layout) ?? [layout];
  return [undefined, ...sets].flatMap((kept) =>
    models.map((model, tier) => {
      if (kept === undefined) return { tier, sent: model, scored: scoreLayout(model, pairs) };
      const held = isOf(kept.map((i) => pairs[i]!));
      return { tier, sent: subLayout(model, (entry) => !factors(entry) || held(entry)), scored: NOTHING };
    }),
  );
}

/** Where the values of some entries of a tier lie in the whole model. */
function keptPlaces(tiers: SubModels, tier: number, sent: Layout): Int32Array {
  const places = tiers.places(tier, 1);
  const names = new Set(sent.entries.map(({ name }) => name));
  const entries = tiers.parts[tier]!.layout.entries.filter(({ name }) => names.has(name));
  return Int32Array.from(entries.flatMap(({ offset, size }) => Array.from(places.subarray(offset, offset + size))));
}

/** Where the scores of a tier lie among those of the whole: it has the leading triplets. */
function leadingScores(whole: Layout, tier: Layout, pairs: readonly AdapterPair[]): Int32Array {
  const own = new Map(scoreLayout(tier, pairs).entries.map(({ name, size }) => [name, size]));
  return Int32Array.from(
    scoreLayout(whole, pairs).entries.flatMap(({ name, offset }) =>
      Array.from({ length: own.get(name)! }, (_, j) => offset + j),
    ),
  );
}

function valuesAt(vector: Vector, places: Int32Array): Vector {
  const values = zerosLike(vector, places.length);
  for (let k = 0; k < places.length; k++) values[k] = vector[places[k]!]!;
  return values;
}

/** Where the values of a client's part lie in the model, for rules that combine factors of other ranks. */
export function selectedPlaces(settings: WeightSelection & { readonly tiers: SubModels }) {
  const places = selectionParts(settings).map(({ tier, sent }) => keptPlaces(settings.tiers, tier, sent));
  return (client: number, _round: number, server: ServerState["vectors"]) =>
    places[selectionPart(client, server, settings)]!;
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
