import { adapterKinds } from "./adapters-schema.ts";
import type { Config } from "./schema.ts";

/** The section [model], by what its keys are for. */
export interface ModelSection {
  readonly name: string;
  readonly file: string | undefined;
  /** The file with the initial weights. */
  readonly initialWeights: string | undefined;
  /** How that file is read. */
  readonly reading: {
    readonly layout: Config["model"]["initialWeightsLayout"];
    readonly match: Config["model"]["initialWeightsMatch"];
    readonly names: Config["model"]["initialWeightsNames"];
  };
  /** Options of the model itself. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Takes the section [model] apart.
 *
 * @example
 * ```ts
 * import { modelSection, resolveConfig } from "@anabranch/core";
 * const { model } = resolveConfig({ model: { name: "mlp", hidden: [32] } });
 * modelSection(model).options; // => { hidden: [32] }
 * ```
 */
export function modelSection(model: Config["model"]): ModelSection {
  const {
    name,
    file,
    initialWeights,
    initialWeightsLayout: layout,
    initialWeightsMatch: match,
    initialWeightsNames: names,
    ...options
  } = model;
  return { name, file, initialWeights, reading: { layout, match, names }, options };
}

/**
 * What makes the model of a configuration: its name and options, with those of its adapters where it has some.
 *
 * @example
 * ```ts
 * import { namedModelParts, resolveConfig } from "@anabranch/core";
 * const config = resolveConfig({ model: { name: "mlp" }, adapters: { rank: 4 } });
 * namedModelParts(config).options; // => { adapters: { rank: 4, targets: [] } }
 * ```
 */
export function namedModelParts(config: Pick<Config, "model" | "adapters">): Pick<ModelSection, "name" | "options"> {
  const { name, options } = modelSection(config.model);
  const adapters = configuredAdapters(config);
  const bottlenecks = configuredBottlenecks(config);
  const pool = configuredPool(config);
  const shards = configuredShards(config);
  const { prompts } = config.adapters;
  const added = {
    ...(adapters && { adapters }),
    ...(bottlenecks && { bottlenecks }),
    ...(pool && { pool }),
    ...(shards && { shards }),
    ...(prompts && { prompts }),
  };
  return { name, options: { ...options, ...added } };
}

/** The options of a model's pool; undefined where it has none. */
export function configuredPool({ adapters: { pool: sets, poolTop: top, keyWeight } }: Pick<Config, "adapters">) {
  if (sets === undefined) return undefined;
  return { sets, ...(top === undefined ? {} : { top }), ...(keyWeight === undefined ? {} : { keyWeight }) };
}

/** The options of a model's adapters from shards; undefined where it has none. */
export function configuredShards({ adapters }: Pick<Config, "adapters">) {
  const {
    shards: rank,
    shardPool: pool,
    shardPieces: pieces,
    shardPrivate,
    shardSeed: seed,
    alpha,
    targets,
  } = adapters;
  if (rank === undefined) return undefined;
  const given = Object.entries({ pieces, private: shardPrivate, seed, alpha }).filter(
    ([, value]) => value !== undefined,
  );
  return { rank, pool: pool ?? Math.min(2, rank), targets, ...Object.fromEntries(given) };
}

/** The options of a model's bottleneck adapters; undefined where it has none. */
export function configuredBottlenecks({ adapters: { bottleneck: units, targets } }: Pick<Config, "adapters">) {
  return units === undefined ? undefined : { units, targets };
}

/** Whether a model keeps its weights and something is added to it. */
export function isAdapted({ adapters }: Pick<Config, "adapters">): boolean {
  return adapterKinds.some((kind) => adapters[kind] !== undefined);
}

/** The options of a model's adapters, of several ranks those of the largest; undefined where it has none. */
export function configuredAdapters({ adapters }: Pick<Config, "adapters">) {
  const { rank: given, alpha, targets, rule } = adapters;
  const rank = Array.isArray(given) ? Math.max(...given) : given;
  const core = rule === "fed-sb" ? { core: true } : {};
  return rank === undefined ? undefined : { rank, ...(alpha === undefined ? {} : { alpha }), targets, ...core };
}
