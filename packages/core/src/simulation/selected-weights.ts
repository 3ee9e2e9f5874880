import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { type Model, withAdapters } from "../models/index.ts";
import { rankOfFactor } from "../models/low-rank-adapters.ts";
import type { AdapterPair } from "../models/model.ts";
import { type Layout, layout as layoutFrom, subLayout } from "../params/layout.ts";
import type { ParameterSplit } from "../params/standing.ts";
import type { SubModel, SubModels } from "../submodels/index.ts";
import { type DeviceChoices, flopsOf } from "./device-choices.ts";
import type { PairRuleSettings } from "./pair-rule.ts";
import { selectedPlaces, selectionPart, type WeightSelection } from "./selection-parts.ts";
import { withWeightSelection } from "./weight-selection.ts";

/** Sets of weights that a run can choose from at most: each is a part that clients may send. */
const MOST_SETS = 5000;

interface Selected {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  readonly choices: DeviceChoices;
  /** Present where clients have adapters of other ranks: the model of each part. */
  readonly subModels?: SubModels;
}

/** A rule that sees the factors of every client, and adapters of clients' own ranks. */
export interface SelectedRule {
  /** The method with the rule; `places`: where the values of a client's part lie in the model. */
  ruled(places?: PairRuleSettings["places"]): Algorithm;
  readonly tiers?: SubModels | undefined;
  readonly choices?: DeviceChoices | undefined;
}

/**
 * The method of a configuration that selects weights after some rounds, and what part of the time of their device clients then
 * need. Throws `config/conflict` for what the selection does not fit.
 */
export function withSelectedWeights(
  config: Config,
  model: Model,
  method: Pick<Selected, "algorithm" | "payloads">,
  split: ParameterSplit,
  { ruled, tiers, choices }: SelectedRule = { ruled: () => method.algorithm },
): Selected {
  const { select = 0, selectAfter: after = 1 } = config.adapters;
  const { shared } = split;
  const { pairs } = model.adapters!;
  requireSelectable(config, method, shared, pairs);
  const models = tiers?.parts ?? [{ model, layout: shared }];
  const settings = { layout: shared, pairs, sets: setsOf(pairs.length, select, models.length), after, tiers };
  const places = tiers && selectedPlaces({ ...settings, tiers });
  const algorithm = withWeightSelection(ruled(places), settings);
  const payloads = algorithm.payloads(shared, config.training);
  const shares = new Map<number, number>();
  const text = `${select} of ${pairs.length} adapters after round ${after}, by score`;
  return {
    algorithm,
    payloads,
    ...(tiers && { subModels: modelsOfParts(tiers, settings, payloads) }),
    choices: {
      tiers: choices?.tiers ?? [],
      tierOf: (client) => choices?.tierOf(client) ?? 0,
      work: (client, part = 0) => (choices?.work(client) ?? 1) * shareOf(part),
      text: choices === undefined ? text : `${choices.text}; ${text}`,
    },
  };

  function shareOf(part: number): number {
    const kept = settings.sets[Math.floor(part / models.length) - 1];
    if (kept === undefined || kept.length === pairs.length) return 1;
    const share = shares.get(part) ?? workOf(models[part % models.length]!, kept);
    shares.set(part, share);
    return share;
  }

  /** FLOPs with some adapters over those with all. */
  function workOf(whole: SubModel, kept: readonly number[]): number {
    const { localEpochs: _, localSteps = 1, ...rest } = config.training;
    const training = { ...rest, localSteps, batchSize: whole.batchSize ?? rest.batchSize };
    const flops = (part: SubModel) => flopsOf(method.algorithm, part, split, training);
    return flops(withSome(whole.model, split, kept)) / flops(whole);
  }
}

/** The model of each part is that of its tier: what a client is not given is zero. */
function modelsOfParts(tiers: SubModels, settings: WeightSelection, { parts, places, upload }: Payloads): SubModels {
  const [name] = Object.keys(upload);
  return {
    parts: parts!.map((_, part) => tiers.parts[part % tiers.parts.length]!),
    partOf: (client, _round, server) => selectionPart(client, server!, settings),
    places: (part, round) => places!(part, round, name!),
  };
}

/** The model with the adapters of some weights alone, and what of it travels. */
function withSome(model: Model, { shared }: ParameterSplit, kept: readonly number[]) {
  const { base, pairs, scale } = model.adapters!;
  const targets = kept.map((i) => pairs[i]!.weight);
  const first = new Set(kept.map((i) => pairs[i]!.a));
  const rank = Math.max(...model.parameters.filter(({ name }) => first.has(name)).map(rankOfFactor));
  const some = withAdapters(base, { rank, alpha: scale * rank, targets });
  const names = new Set(shared.entries.map(({ name }) => name));
  return { model: some, layout: subLayout(layoutFrom(some.parameters), ({ name }) => names.has(name)) };
}

/** All sets of so many of n weights, in lexicographic order. Throws `config/conflict` for too many, or too few weights. */
function setsOf(n: number, count: number, tiers: number): number[][] {
  if (count > n)
    throw conflict(
      "adapters.select",
      `${count}, of ${n} weights with adapters`,
      `at most ${n}`,
      "Select fewer, or name more weights in adapters.targets.",
    );
  let number = 1;
  for (let i = 1; i <= count; i++) number = (number * (n - count + i)) / i;
  if (number * tiers > MOST_SETS)
    throw conflict(
      "adapters.select",
      `${count} of ${n} weights, which are ${Math.round(number)} sets${tiers === 1 ? "" : ` for each of ${tiers} ranks`}`,
      `at most ${Math.floor(MOST_SETS / tiers)} sets`,
      "Name fewer weights in adapters.targets, or select fewer.",
    );
  const from = (first: number, left: number): number[][] => {
    if (left === 0) return [[]];
    return Array.from({ length: n - first - left + 1 }, (_, i) => first + i).flatMap((i) =>
      from(i + 1, left - 1).map((rest) => [i, ...rest]),
    );
  };
  return from(0, count);
}

/** Refuses (`config/conflict`) what scores and fewer adapters do not fit. */
function requireSelectable(
  config: Config,
  { algorithm, payloads }: Pick<Selected, "algorithm" | "payloads">,
  { hash, entries }: Layout,
  pairs: readonly AdapterPair[],
): void {
  const { adapters, aggregation, compression, parameters, rounds, topology, training } = config;
  const { select, selectAfter = 1 } = adapters;
  const refuse = (beside: string, advice: string): never => {
    throw conflict("adapters.select", `${select}, with ${beside}`, "nothing", advice);
  };
  if (selectAfter >= rounds)
    refuse(`adapters.selectAfter = ${selectAfter} of ${rounds} rounds`, "No round would be left: raise rounds.");
  if (aggregation.clipNorm > 0)
    refuse(
      `aggregation.clipNorm = ${aggregation.clipNorm}`,
      "The norm would be that of the scores as well. Bound single steps instead: training.gradientClip.",
    );
  if (topology.name !== "none")
    refuse(`topology.name = "${topology.name}"`, "Without a server nobody has the mean of the scores.");
  for (const key of ["up", "down"] as const)
    if (compression[key].length > 0)
      refuse(
        `compression.${key} = ${JSON.stringify(compression[key])}`,
        `Scores travel as floats. Remove compression.${key}.`,
      );
  if (parameterSelectors(parameters).personal.length > 0 || algorithm.personal !== undefined)
    refuse("personal parameters", "Adapters of all clients have to be averaged. Name adapters.targets instead.");
  const shared = new Set(entries.map(({ name }) => name));
  const still = pairs.flatMap(({ a, b }) => [a, b]).find((name) => !shared.has(name));
  if (still !== undefined)
    refuse(
      `parameters.frozen = ${JSON.stringify(parameters.frozen)}, and so ${still}`,
      "Scores are of both factors, which have to train. Name adapters.targets instead.",
    );
  if (training.upSampling.rounds > 0)
    refuse(
      `training.upSampling.rounds = ${training.upSampling.rounds}`,
      "Training starts again. Name adapters.targets.",
    );
  const { broadcast, upload, clientState, own, parts, replay, projection } = payloads;
  const isPlain =
    Object.keys(broadcast).join() === "parameters" &&
    Object.keys(upload).length === 1 &&
    Object.keys(clientState).length === 0 &&
    [own, parts, replay, projection, algorithm.clusters, algorithm.defaultCompression].every(
      (one) => one === undefined,
    ) &&
    Object.values(upload).every(
      ({ aggregation: how, codec, layout }) =>
        how !== "each" && how !== "sum" && codec === undefined && layout.hash === hash,
    );
  if (!isPlain || algorithm.sendsModels === true)
    refuse(
      `algorithm.name = "${algorithm.name}"`,
      'Its clients keep or send more than one change of the model. Take for example "fedavg", or name adapters.targets.',
    );
}
