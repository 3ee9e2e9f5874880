import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { frozenBase, type Model } from "../models/index.ts";
import type { Selectors } from "../params/standing.ts";
import { frozenOutsideTail } from "./split-run.ts";

/**
 * Which parameters of a model do not travel: what the configuration selects, or its method where it selects nothing
 * personal or frozen. Adapters and pools freeze the model that they adapt, but for what is personal and what
 * `parameters.frozen` takes back; FFA freezes their first factors too.
 *
 * Citation: Y. Sun et al., "Improving LoRA in Privacy-preserving Federated Learning" (FFA-LoRA), ICLR 2024, arXiv:2403.12313.
 */
export function heldSelectors(
  { parameters, adapters }: Pick<Config, "parameters" | "adapters">,
  model: Model,
  algorithm: Pick<Algorithm, "name" | "personal" | "frozen" | "splitTraining">,
): { readonly personal: Selectors; readonly frozen: Selectors } {
  const { name, personal: own, frozen: fixed } = algorithm;
  const { personal: named, frozen: still } = parameterSelectors(parameters);
  if (fixed !== undefined && named.length > 0) {
    const received = `${JSON.stringify(named)}, with algorithm.name = "${name}"`;
    throw conflict("parameters.personal", received, "[]", "The method needs parameters that are fixed for everybody.");
  }
  const frozen = still.length > 0 ? still : (fixed ?? frozenOutsideTail(model, algorithm));
  const personal = named.length > 0 ? named : ownLayers(own, model);
  if (model.base === undefined) return { personal, frozen };
  const { pairs } = model.adapters ?? { pairs: [] };
  const fixedFactors = pairs.flatMap(({ a, b, core }) =>
    core !== undefined ? [a, b] : adapters.rule === "ffa" ? [a] : [],
  );
  // weights that take the adapters in are no longer what they were at the start
  const moving = adapters.rule === "flora" ? pairs.map(({ weight }) => `!${weight}`) : [];
  const kept = personal.filter((selector) => !selector.startsWith("!")).map((selector) => `!${selector}`);
  return { personal, frozen: [...frozenBase(model), ...fixedFactors, ...moving, ...kept, ...frozen] };
}

/** What a method keeps personal of a model by default. */
export function ownLayers(own: Algorithm["personal"], { parameters }: Pick<Model, "parameters">): Selectors {
  const isThere = (layer: string) => own?.ifPresent !== true || parameters.some(({ role }) => role === layer);
  return (own?.layers ?? []).filter(isThere);
}
