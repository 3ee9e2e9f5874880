/**
 * FedPipe's first stage: in the first rounds all adapters train, and clients send how sensitive their loss is to each triplet.
 * The server then keeps the adapters of the weights with the highest scores; the others are dropped, and neither travel nor
 * train any more.
 *
 * Citation: Z. Fang et al., "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models",
 * 2024, arXiv:2404.06448, section 4. Differences: weights are chosen once; adapters are A B, with Lambda = 1.
 */
import { highestScores, matrixScore } from "../adapters/index.ts";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { entryView, type Layout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { copy, type Vector } from "../params/vector.ts";
import { scoringHalf } from "./scoring-half.ts";
import {
  adapterOf,
  isOf,
  KEPT,
  keptWeights,
  piecesOf,
  SCORES,
  scoreLayout,
  selectedPayloads,
  selectionPart,
  valuesAt,
  type WeightSelection,
} from "./selection-parts.ts";

/**
 * A method whose clients receive the model and send one change of it, with the selection around it. The model goes down as
 * a vector for each adapter. Clients are given those that are kept; the others are zeros for them, and have no gradient.
 */
export function withWeightSelection(method: Algorithm, settings: WeightSelection): Algorithm {
  const { layout, pairs, after, tiers } = settings;
  const scores = scoreLayout(layout, pairs);
  const ofTier = (values: Vector, client: number) => {
    if (tiers === undefined) return { layout, values };
    const tier = tiers.partOf(client, 1);
    return { layout: tiers.parts[tier]!.layout, values: valuesAt(values, tiers.places(tier, 1)) };
  };
  const layouts = [layout, ...(tiers?.parts ?? []).map((tier) => tier.layout)];
  const pieces = new Map(layouts.map((own) => [own, Object.entries(piecesOf(own, pairs))]));
  const split = (parameters: Vector, own: Layout, dropped: readonly string[] = []) =>
    Object.fromEntries(
      pieces
        .get(own)!
        .filter(([name]) => !dropped.includes(name))
        .map(([name, piece]) => [name, partOf(own, parameters, piece)]),
    );
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
    broadcast: (state, _scalars, round) => split(method.broadcast(state, {}, round)["parameters"]!, layout),
    own(state, client, round) {
      const kept = keptWeights(state.vectors);
      const dropped = pairs.filter((_, i) => kept.length > 0 && !kept.includes(i)).map(adapterOf);
      const whole = method.broadcast(state, {}, round)["parameters"]!;
      const own = ofTier(whole, client);
      return split(own.values, own.layout, dropped);
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
