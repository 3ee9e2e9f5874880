import type { Algorithm, Payloads, ServerState } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import type { Model } from "../models/index.ts";
import { initialParameters } from "../params/initialize.ts";
import { subLayout } from "../params/layout.ts";
import { type ParameterSplit, partOf } from "../params/standing.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { rankTiers, type SubModels } from "../submodels/index.ts";
import { type DeviceChoices, deviceChoices } from "./device-choices.ts";
import { ownLayers } from "./held-selectors.ts";
import { withPairRule } from "./pair-rule.ts";
import { type SelectedRule, withSelectedWeights } from "./selected-weights.ts";
import { type RuledRun, spineChoices } from "./spine-choices.ts";
import { spineChoice, withSpine } from "./spine-method.ts";
import { withStackedRounds } from "./stacked-rounds.ts";

interface Resolved {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  /** The models of clients with adapters of other ranks; absent: all train one. */
  readonly tiers?: SubModels | undefined;
  /** What a controller has chosen; absent: there is none. */
  readonly choices?: DeviceChoices | undefined;
  /** The models of clients where weights are selected beside; `tiers` is then absent. */
  readonly subModels?: SubModels | undefined;
}

/** The method with the rule for adapters of a configuration. Throws `config/conflict` for methods that do not fit it. */
export function withAdapterRule(
  config: Config,
  model: Model,
  resolved: Resolved,
  { split, values, population }: RuledRun,
): Resolved {
  const { rule, lambda, select } = config.adapters;
  const { adapters } = model;
  const { whole, shared } = split;
  if (adapters === undefined) return resolved;
  const ranks = tieredRanks(config, model, resolved);
  if (rule === "fedit" || rule === "ffa" || rule === "fed-sb")
    return select === undefined ? resolved : withSelectedWeights(config, model, resolved, split);
  requireSingleUpdates(config, resolved);
  requireKnownWork(config, model);
  if (config.adapters.controller === "fedspine")
    return withSpineRule(config, model, resolved, { split, values, population }, ranks!);
  const weights = new Set(rule === "flora" ? adapters.pairs.map(({ weight }) => weight) : []);
  const sent = subLayout(shared, ({ name }) => !weights.has(name));
  const choices = ranks && chosenBy(config, model, resolved, split, ranks);
  const tiers =
    ranks && rankTiers(model, { shared, sent }, choices?.tiers ?? ranks.map((rank) => ({ rank })), choices?.tierOf);
  if (select !== undefined && rule !== "flora") {
    const ruled: SelectedRule["ruled"] = (held) =>
      withPairRule(resolved.algorithm, { rule, lambda, adapters, places: held });
    return withSelectedWeights(config, model, resolved, split, { ruled, tiers, choices });
  }
  const places = tiers && ((client: number, round: number) => tiers.places(tiers.partOf(client, round), round));
  const algorithm =
    rule === "flora"
      ? withStackedRounds(resolved.algorithm, { layout: shared, adapters, fresh: (round) => fresh(round) })
      : withPairRule(resolved.algorithm, { rule, lambda, adapters, places });
  return { algorithm, payloads: algorithm.payloads(shared, config.training), tiers, choices };

  function fresh(round: number) {
    const key = deriveKey(rootKey(config.seed), "adapters", round);
    return partOf(whole, initialParameters(model.parameters, key), shared);
  }
}

/** A controller compares what choices cost before the run. Throws `config/conflict` where that depends on a client's graph. */
function requireKnownWork({ adapters: { controller } }: Config, { name, graph }: Model): void {
  if (controller === undefined || graph === undefined) return;
  const advice =
    "The work of a choice depends on a client's graph. Remove it, or take a model of single examples, e.g. mlp.";
  throw conflict("adapters.controller", `"${controller}", with model.name = "${name}"`, "nothing", advice);
}

/** FlexLoRA with the cells of a bandit as parts. */
function withSpineRule(
  config: Config,
  model: Model,
  { algorithm: plain }: Resolved,
  { split, values, population }: RuledRun,
  ranks: readonly number[],
): Resolved {
  const { adapters } = model;
  const { shared } = split;
  const { settings, tiers, choices } = spineChoices(config, plain, model, { split, values, population }, ranks);
  const places = (client: number, _round: number, server: ServerState["vectors"]) =>
    settings.places(spineChoice(client, server));
  const algorithm = withSpine(withPairRule(plain, { rule: "flexlora", adapters: adapters!, places }), settings);
  return { algorithm, payloads: algorithm.payloads(shared, config.training), tiers, choices };
}

/** What a controller gives to the clients; undefined where there is none. Throws as `deviceChoices`. */
function chosenBy(
  config: Config,
  model: Model,
  { algorithm }: Resolved,
  split: ParameterSplit,
  ranks: readonly number[],
): DeviceChoices | undefined {
  const { controller, rule } = config.adapters;
  if (controller !== "fedpipe") return undefined;
  if (rule === "flora")
    throw conflict(
      "adapters.controller",
      `"${controller}", with adapters.rule = "flora"`,
      'adapters.rule = "flexlora"',
      "Weights that take adapters in are sent as floats and not stored in few bits.",
    );
  return deviceChoices(config, algorithm, model, split, ranks);
}

/** The ranks of clients' adapters, by tier, where they may differ. Throws `config/conflict` where nothing combines them. */
function tieredRanks(
  { adapters, compression, parameters }: Config,
  model: Model,
  { algorithm, payloads }: Resolved,
): readonly number[] | undefined {
  const { rank, rule } = adapters;
  if (!Array.isArray(rank)) return undefined;
  const refuse = (key: string, value: unknown, expected: string, advice: string) => {
    throw conflict(key, `${JSON.stringify(value)}, with adapters.rank = [${rank.join(", ")}]`, expected, advice);
  };
  if (rule === "fedit" || rule === "ffa" || rule === "lora-fair" || rule === "fed-sb")
    refuse(
      "adapters.rule",
      rule,
      '"zero-pad", "flexlora" or "flora"',
      "Means of factors need one rank: choose one of these rules, or set adapters.rank to one number.",
    );
  for (const key of ["up", "down"] as const)
    if (compression[key].length > 0)
      refuse(`compression.${key}`, compression[key], "[]", "Factors of lower ranks travel as floats: lower the ranks.");
  const advice = "Adapters of personal layers have one rank.";
  if (parameterSelectors(parameters).personal.length > 0)
    refuse("parameters.personal", parameters.personal, "nothing", advice);
  if (ownLayers(algorithm.personal, model).length > 0)
    refuse("algorithm.name", algorithm.name, "a method that shares all parameters", advice);
  if (payloads.own !== undefined || algorithm.clusters !== undefined || algorithm.assign !== undefined)
    refuse("algorithm.name", algorithm.name, "a method with one global model", 'Take for example "fedavg".');
  return rank;
}

/** Refuses a rule that combines updates where they are combined otherwise, or cannot be seen. */
function requireSingleUpdates(
  { adapters: { rule }, aggregation, topology, training, parameters }: Config,
  { algorithm, payloads }: Resolved,
): void {
  const received = JSON.stringify(rule);
  requireCapable("adapters.rule", received, capabilitiesOf(algorithm, payloads));
  const refuse = (beside: string, advice: string) => {
    throw conflict("adapters.rule", `${received}, with ${beside}`, '"fedit" or "ffa"', advice);
  };
  if (aggregation.rule !== undefined && aggregation.rule !== "mean")
    refuse(`aggregation.rule = "${aggregation.rule}"`, "Both combine the updates of a round: leave one of them out.");
  if (topology.name !== "none")
    refuse(`topology.name = "${topology.name}"`, "Nodes mix models, and no server could combine factors.");
  if (rule !== "flora") return;
  if (training.gradientClip > 0)
    refuse(`training.gradientClip = ${training.gradientClip}`, "Frozen weights would count in the norm.");
  if (parameters.personal.length > 0 || algorithm.personal !== undefined)
    refuse("personal parameters", "A personal layer would take in adapters of all clients.");
}
