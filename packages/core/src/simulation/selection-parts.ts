/**
 * What goes up and down where weights are selected: a vector for each adapter on the way down, and for each set of weights that
 * may be kept, with each rank of clients, a part on the way up.
 */
import type { Part, Payloads, ServerState } from "../algorithms/algorithm.ts";
import { rankOfFactor } from "../models/low-rank-adapters.ts";
import type { AdapterPair } from "../models/model.ts";
import { type Layout, layout as layoutFrom, subLayout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
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
export const [SCORES, KEPT] = ["adapterScores", "keptAdapters"] as const;
/** Vectors of the broadcast: what belongs to no adapter, and each adapter. */
const REST = "rest";
export const adapterOf = ({ weight }: AdapterPair) => `adapter.${weight}`;

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

/** What goes down, by vector: the adapter of each weight, and the rest. */
export function piecesOf(layout: Layout, pairs: readonly AdapterPair[]): Record<string, Layout> {
  const factors = new Set(pairs.flatMap(({ a, b }) => [a, b]));
  const rest = subLayout(layout, ({ name }) => !factors.has(name));
  const adapters = pairs.map((pair) => [adapterOf(pair), subLayout(layout, isOf([pair]))]);
  return { ...Object.fromEntries(adapters), ...(rest.size === 0 ? {} : { [REST]: rest }) };
}

export const isOf = (pairs: readonly AdapterPair[]) => (entry: { readonly name: string }) =>
  pairs.some(({ a, b }) => entry.name === a || entry.name === b);

/** A number for each triplet, by weight. */
export function scoreLayout({ entries }: Layout, pairs: readonly AdapterPair[]): Layout {
  const places = new Map(entries.map((entry) => [entry.name, entry]));
  return layoutFrom(
    pairs.map(({ weight, a }) => ({
      ...{ name: weight, shape: [rankOfFactor(places.get(a)!)] },
      ...{ role: "vector", block: weight },
    })),
  );
}

/** Of a client with these entries: all of the model, or what belongs to a tier. */
export function selectedPayloads(plain: Payloads, model: Layout, settings: WeightSelection): Payloads {
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

export function valuesAt(vector: Vector, places: Int32Array): Vector {
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
