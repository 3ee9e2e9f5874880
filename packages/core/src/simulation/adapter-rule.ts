import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { Model } from "../models/index.ts";
import { initialParameters } from "../params/initialize.ts";
import type { Layout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { withPairRule } from "./pair-rule.ts";
import { withStackedRounds } from "./stacked-rounds.ts";

interface Resolved {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
}

/** The method with the rule for adapters of a configuration. Throws `config/conflict` for methods that do not fit it. */
export function withAdapterRule(
  config: Config,
  model: Pick<Model, "adapters" | "parameters">,
  resolved: Resolved,
  whole: Layout,
  shared: Layout,
): Resolved {
  const { rule, lambda } = config.adapters;
  const { adapters } = model;
  if (adapters === undefined || rule === "fedit" || rule === "ffa" || rule === "fed-sb") return resolved;
  requireSingleUpdates(config, resolved);
  const algorithm =
    rule === "flora"
      ? withStackedRounds(resolved.algorithm, { layout: shared, adapters, fresh: (round) => fresh(round) })
      : withPairRule(resolved.algorithm, { rule, lambda, adapters });
  return { algorithm, payloads: algorithm.payloads(shared, config.training) };

  function fresh(round: number) {
    const key = deriveKey(rootKey(config.seed), "adapters", round);
    return partOf(whole, initialParameters(model.parameters, key), shared);
  }
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
