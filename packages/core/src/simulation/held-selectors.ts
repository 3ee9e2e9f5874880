import type { Algorithm } from "../algorithms/algorithm.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { frozenBase, type Model } from "../models/index.ts";
import type { Selectors } from "../params/standing.ts";

/**
 * Which parameters of a model do not travel: what the configuration selects, or its method where it selects nothing
 * personal. Adapters and pools freeze the model that they adapt, but for what is personal and what
 * `parameters.frozen` takes back; FFA freezes their first factors too.
 *
 * Citation: Y. Sun et al., "Improving LoRA in Privacy-preserving Federated Learning" (FFA-LoRA), ICLR 2024, arXiv:2403.12313.
 */
export function heldSelectors(
  { parameters, adapters }: Pick<Config, "parameters" | "adapters">,
  model: Pick<Model, "adapters" | "base" | "parameters">,
  { personal: own }: Pick<Algorithm, "personal">,
): { readonly personal: Selectors; readonly frozen: Selectors } {
  const { personal: named, frozen } = parameterSelectors(parameters);
  const isThere = (layer: string) => own?.ifPresent !== true || model.parameters.some(({ role }) => role === layer);
  const personal = named.length > 0 || own === undefined ? named : own.layers.filter(isThere);
  if (model.base === undefined) return { personal, frozen };
  const { pairs } = model.adapters ?? { pairs: [] };
  const still = pairs.flatMap(({ a, b, core }) => (core !== undefined ? [a, b] : adapters.rule === "ffa" ? [a] : []));
  // weights that take the adapters in are no longer what they were at the start
  const moving = adapters.rule === "flora" ? pairs.map(({ weight }) => `!${weight}`) : [];
  const kept = personal.filter((selector) => !selector.startsWith("!")).map((selector) => `!${selector}`);
  return { personal, frozen: [...frozenBase(model), ...still, ...moving, ...kept, ...frozen] };
}
