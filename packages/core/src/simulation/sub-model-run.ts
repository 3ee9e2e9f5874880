import type { Algorithm, Part, PayloadSettings, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isAdapted } from "../config/model-section.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import type { Model } from "../models/index.ts";
import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { type SubModel, type SubModels, subModels } from "../submodels/index.ts";

/** A method, and the models of its clients where they are of other widths. */
export interface SubModelMethod {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  readonly subModels?: SubModels | undefined;
}

/**
 * A method whose clients have models of their own sizes: what goes down is each client's slice, with its order, and what
 * comes up is combined coordinate by coordinate. Vectors that differ in layout from what clients send go to all.
 */
export function withSubModels(
  { algorithm, payloads }: Pick<SubModelMethod, "algorithm" | "payloads">,
  models: SubModels,
  settings: PayloadSettings,
): SubModelMethod {
  const { broadcast, upload } = payloads;
  const sent = new Set(Object.values(upload).map(({ layout }) => layout.hash));
  const own = Object.keys(broadcast).filter((name) => sent.has(broadcast[name]!.hash));
  return {
    algorithm: {
      ...algorithm,
      assign: (_parts, cohort, _key, round, state) =>
        cohort.map((client) => models.partOf(client, round, state?.vectors)),
      own(state, client, round) {
        const part = models.partOf(client, round, state.vectors);
        const made = algorithm.publicTraining?.subModel(state, part);
        if (made !== undefined) return { parameters: made };
        const vectors = algorithm.broadcast(state, {}, round);
        const places = models.places(part, round);
        const slices = own.map((name) => [name, valuesAt(vectors[name]!, places)]);
        return { ...algorithm.own?.(state, client, round), ...Object.fromEntries(slices) };
      },
    },
    payloads: {
      ...payloads,
      own: [...(payloads.own ?? []), ...own],
      parts: models.parts.map(partOf),
      places: models.places,
    },
    subModels: models,
  };

  function partOf({ layout }: SubModel): Part {
    const { upload: narrow } = algorithm.payloads(layout, settings);
    return Object.fromEntries(Object.entries(narrow).map(([name, sent]) => [name, sent.layout]));
  }
}

/** The same method where it has no widths. Throws `submodels/chain` for models that cannot be narrower. */
export function withWidths(
  method: SubModelMethod,
  model: Model,
  layout: Layout,
  settings: PayloadSettings,
): SubModelMethod {
  const { widths } = method.algorithm;
  return widths === undefined ? method : withSubModels(method, subModels(model, layout, widths), settings);
}

function valuesAt(vector: Vector, places: Int32Array): Vector {
  const values = zerosLike(vector, places.length);
  for (let k = 0; k < places.length; k++) values[k] = vector[places[k]!]!;
  return values;
}

/** Refuses (`config/conflict`) what clients with models of their own widths cannot do. */
export function requireWholeModels(config: Config, { name, widths }: Pick<Algorithm, "name" | "widths">): void {
  if (widths === undefined) return;
  const { compression, parameters } = config;
  const refuse = (key: string, value: unknown, expected: string, advice: string) => {
    throw conflict(key, `${JSON.stringify(value)}, with algorithm.name = "${name}"`, expected, advice);
  };
  for (const key of ["up", "down"] as const) {
    const advice = `Slices travel as floats; narrower ones are smaller: lower algorithm.widths and leave compression.${key} out.`;
    if (compression[key].length > 0) refuse(`compression.${key}`, compression[key], "[]", advice);
  }
  for (const key of ["personal", "frozen"] as const) {
    const advice = `Slices are of all parameters. Leave parameters.${key} out.`;
    if (parameterSelectors(parameters)[key].length > 0) refuse(`parameters.${key}`, parameters[key], "nothing", advice);
  }
  const advice = "Adapters of clients of other widths have no common shape. Remove [adapters].";
  if (isAdapted(config)) refuse("adapters", config.adapters, "nothing", advice);
}
