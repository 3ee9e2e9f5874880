import type * as z from "zod";
import { partitioners } from "../data/partitioners/table.ts";
import { type ModelName, modelOptions } from "../models/registry.ts";
import { hashSampled } from "../selection/names.ts";
import { checkBudget, checkTogether } from "./check.ts";
import { checkAggregation } from "./check-aggregation.ts";
import { checkAttack } from "./check-attack.ts";
import { checkBaseline } from "./check-baseline.ts";
import { checkChurn } from "./check-churn.ts";
import { checkPrivacy, isDiscrete } from "./check-privacy.ts";
import { checkQuestions } from "./check-questions.ts";
import { checkSecureAggregation } from "./check-secure-aggregation.ts";
import { checkTaskStream } from "./check-task-stream.ts";
import { checkTopology } from "./check-topology.ts";
import { checkUnlabelled } from "./check-unlabelled.ts";
import { configFields } from "./fields.ts";
import { issueError, type Locate, unknownName } from "./issues.ts";
import { modelSection } from "./model-section.ts";
import { type Config, type ConfigInput, configSchema } from "./schema.ts";

type ConfigAggregation = z.output<typeof configSchema>["aggregation"];

/**
 * The complete configuration of what a user wrote: checked, with every default filled in.
 * Throws `config/unknown-key`, `config/unknown-name`, `config/invalid` or `config/conflict`; `locate` turns a key path
 * into the place that the error names.
 *
 * @example
 * ```ts
 * import { resolveConfig } from "@anabranch/core";
 * const config = resolveConfig({ rounds: 5, data: { clients: 20 } });
 * config.sampler; // => { cohort: 10, name: "uniform" }
 * ```
 */
export function resolveConfig(input: ConfigInput, locate: Locate = (path) => path.join(".")): Config {
  const result = configSchema.safeParse(input);
  if (!result.success) throw issueError(result.error.issues, input, locate, keysOf);
  checkBudget(input, locate);
  const { training, sampler, aggregation, privacy, ...rest } = withOwners(result.data, input);
  const { localEpochs, localSteps, ...others } = training;
  const budget = localSteps === undefined ? { localEpochs } : { localSteps };
  const isPrivate = privacy.mechanism !== "none";
  const byCoins = isPrivate && !isDiscrete(privacy.mechanism);
  const config: Config = {
    ...rest,
    training: { ...budget, ...others },
    sampler: { ...sampler, ...everyNode(input), name: sampler.name ?? usualSampler(rest.algorithm.name, byCoins) },
    aggregation: { ...aggregation, weighting: aggregation.weighting ?? usualWeighting(aggregation, isPrivate) },
    privacy: { ...privacy, noise: privacy.noise ?? (isDiscrete(privacy.mechanism) ? "distributed" : "central") },
  };
  checkPartition(config, locate);
  checkModel(config, locate);
  checkTogether(config, locate);
  checkAggregation(config, locate);
  checkAttack(config, locate, checkOptions);
  checkPrivacy(config, locate);
  checkSecureAggregation(config, locate);
  checkBaseline(config, locate);
  checkTopology(config, locate);
  checkChurn(config, locate);
  checkTaskStream(config, locate);
  checkQuestions(config, locate);
  checkUnlabelled(config, locate);
  return config;
}

/** Sampling by coins lowers the cost of central noise; nodes without a server hash. */
function usualSampler(algorithm: string, byCoins: boolean): Config["sampler"]["name"] {
  if (hashSampled.includes(algorithm)) return "hash";
  return byCoins ? "poisson" : "uniform";
}

/** A client may claim any number of examples, so a rule against lies weighs all alike. */
function usualWeighting({ rule = "mean", before }: ConfigAggregation, isPrivate: boolean): "examples" | "uniform" {
  return isPrivate || rule !== "mean" || before !== undefined ? "uniform" : "examples";
}

/** With the natural partition every owner is a client, unless the number of clients is given. */
function withOwners<C extends Pick<Config, "data">>(config: C, { data: given }: ConfigInput): C {
  const { partition } = config.data;
  if (given?.clients !== undefined || partition.scheme !== "natural" || partition["merge"] === true) return config;
  return { ...config, data: { ...config.data, clients: 0 } };
}

/** With a topology all nodes train in every round, unless a cohort is written. */
function everyNode({ topology, sampler, data }: ConfigInput): { readonly cohort?: number } {
  if ((topology?.name ?? "none") === "none" || sampler?.cohort !== undefined) return {};
  return { cohort: data?.clients ?? configSchema.parse({}).data.clients };
}

/** Keys that a section of the configuration knows. */
function keysOf(path: readonly PropertyKey[]): string[] {
  const parent = path.join(".");
  return configFields
    .filter((field) => field.path.slice(0, -1).join(".") === parent)
    .map((field) => field.path.at(-1)!);
}

function checkPartition({ data: { partition } }: Config, locate: Locate): void {
  const { scheme, ...options } = partition;
  const path = ["data", "partition"];
  if (!Object.hasOwn(partitioners, scheme)) {
    throw unknownName("partition scheme", scheme, Object.keys(partitioners), locate([...path, "scheme"]));
  }
  checkOptions(partitioners[scheme as keyof typeof partitioners].options, options, path, locate);
}

function checkModel({ model }: Config, locate: Locate): void {
  const { name, file, options } = modelSection(model);
  if (file !== undefined) return; // an own model checks its own options
  if (!Object.hasOwn(modelOptions, name)) {
    throw unknownName("model", name, Object.keys(modelOptions), locate(["model", "name"]));
  }
  checkOptions(modelOptions[name as ModelName], options, ["model"], locate);
}

/** Options of a named part, against the part's own schema. */
function checkOptions(
  schema: z.ZodType,
  options: Readonly<Record<string, unknown>>,
  path: readonly string[],
  locate: Locate,
): void {
  const result = schema.safeParse(options);
  if (result.success) return;
  const known = "shape" in schema ? Object.keys(schema.shape as object) : [];
  throw issueError(
    result.error.issues,
    options,
    (key) => locate([...path, ...key]),
    (key) => (key.length === 0 ? known : []),
    `These are the options of the name or scheme that is set; take out what belongs to another (--set ${path.join(".")}.KEY=).`,
  );
}
