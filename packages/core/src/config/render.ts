import { hashText } from "@anabranch/engine";
import { stringify } from "smol-toml";
import { hidesLabels } from "../data/unlabelled.ts";
import { configFields } from "./fields.ts";
import { isAdapted } from "./model-section.ts";
import type { Config } from "./schema.ts";
import { isUsualTable } from "./table-schema.ts";

/**
 * The configuration as TOML that `parseConfig` reads back to the same: keys in the order of the schema, options by name.
 *
 * @example
 * ```ts
 * import { renderToml, resolveConfig } from "@anabranch/core";
 * renderToml(resolveConfig({ rounds: 5 })).split("\n")[2]; // => "rounds = 5"
 * ```
 */
export function renderToml(config: Config): string {
  return `${stringify(canonical(config)).trimEnd()}\n`;
}

/** Diagnostics that measure something; the other keys of the section say how. */
export const DIAGNOSTICS = [
  "flatness",
  "coherence",
  "conditioning",
  "preconditioners",
  "clipping",
  "compression",
  "processorTime",
] as const;

/** Keys that say where and how a run is executed and written down, not what it computes. */
const NO_INFLUENCE = [
  "name",
  "data.dataDir",
  "model.initialWeights",
  "topology.file",
  "checkpoint",
  "execution.workers",
  "execution.window",
];

/**
 * Identity of what a run computes (16 hex digits). Left out: the run's name, paths, how often it is saved, and the
 * number of workers, none of which changes a bit of the result, and the sections on adapters, parameters, privacy, secure
 * aggregation, topology, churn, attacks, diagnostics and tables where there are none.
 *
 * @example
 * ```ts
 * import { configHash, resolveConfig } from "@anabranch/core";
 * configHash(resolveConfig({ rounds: 5 })) === configHash(resolveConfig({ rounds: 6 })); // => false
 * ```
 */
export function configHash(config: Config): string {
  const unused = [
    ...(isUsualTable(config.data.table) ? ["data.table"] : []),
    ...unusedLoss(config.training.loss),
    ...(config.training.curriculum.order === "none" ? ["training.curriculum"] : []),
    ...(config.training.calibration.samples === 0 ? ["training.calibration"] : []),
    ...(config.training.upSampling.rounds === 0 ? ["training.upSampling"] : []),
    ...(isAligned(config) ? [] : ["training.alignment"]),
    ...(config.data.transpose ? [] : ["data.transpose"]),
    ...(config.data.questions.families.length === 0 ? ["data.questions"] : []),
    ...(config.taskStream.kind === "none" ? ["taskStream"] : []),
    ...(hidesLabels(config.data.unlabelled) ? [] : ["data.unlabelled", "training.openWorld"]),
    ...unusedCentroids(config.training.openWorld),
    ...(config.data.shift.kind === "none" ? ["data.shift"] : []),
    ...(Object.values(config.parameters).every(({ length }) => length === 0) ? ["parameters"] : []),
    ...(config.privacy.mechanism === "none" ? ["privacy"] : []),
    ...(config.attack.name === "none" ? ["attack"] : []),
    ...(config.secureAggregation.protocol === "none" ? ["secureAggregation"] : []),
    ...unusedCompression(config.compression),
    ...(config.topology.name === "none" ? ["topology"] : []),
    ...(config.churn.share === 0 ? ["churn"] : []),
    ...(isAdapted(config) ? [] : ["adapters"]),
    ...(DIAGNOSTICS.some((name) => config.diagnostics[name]) ? [] : ["diagnostics"]),
  ];
  return hashText(JSON.stringify(without(canonical(config), [...NO_INFLUENCE, ...unused], "")));
}

/** Without terms of centroids, what belongs to them. */
function unusedCentroids({ calibration, pseudoLabels }: Config["training"]["openWorld"]): string[] {
  if (calibration > 0 || pseudoLabels > 0) return [];
  const keys = [
    "calibration",
    "calibrationFrom",
    "pseudoLabels",
    "pseudoLabelsFrom",
    "confidence",
    "groups",
    "smallest",
  ];
  return keys.map((key) => `training.openWorld.${key}`);
}

function isAligned({ training: { alignment } }: Config): boolean {
  return alignment.gradient > 0 || alignment.hessian > 0;
}

function unusedCompression({ up, down }: Config["compression"]): readonly string[] {
  if (down.length > 0) return [];
  return up.length === 0 ? ["compression"] : ["compression.down", "compression.downFeedback"];
}

/** Plain tables in a fixed order, without undefined values. */
function canonical(config: Config): Record<string, unknown> {
  return ordered(config, []);
}

function ordered(table: Readonly<Record<string, unknown>>, path: readonly string[]): Record<string, unknown> {
  const rank = new Map(configFields.map((field, index) => [field.path.join("."), index]));
  const place = (key: string) => rank.get([...path, key].join(".")) ?? Number.POSITIVE_INFINITY;
  const entries = Object.entries(table).filter(([, value]) => value !== undefined);
  entries.sort(([a], [b]) => (place(a) === place(b) ? (a < b ? -1 : 1) : place(a) - place(b)));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isTable(value) ? ordered(value, [...path, key]) : value]),
  );
}

function without(table: Record<string, unknown>, paths: readonly string[], prefix: string): Record<string, unknown> {
  const kept = Object.entries(table).filter(([key]) => !paths.includes(prefix + key));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, isTable(value) ? without(value, paths, `${prefix}${key}.`) : value]),
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Keys of the training loss that change nothing. */
function unusedLoss({ adjustment, margin, confusion }: Config["training"]["loss"]): string[] {
  const unused = [
    ...(adjustment === "none" ? ["adjustment", "strength"] : []),
    ...(margin === 0 ? ["margin"] : []),
    ...(confusion === 0 ? ["confusion"] : []),
  ];
  return unused.length === 4 ? ["training.loss"] : unused.map((key) => `training.loss.${key}`);
}
