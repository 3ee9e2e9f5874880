import { startCores } from "../adapters/start-cores.ts";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { DeviceTrace } from "../clock/index.ts";
import type { Origin } from "../config/contract.ts";
import { type Config, modelSection, namedModelParts } from "../config/index.ts";
import {
  configuredAdapters,
  configuredBottlenecks,
  configuredPool,
  configuredShards,
} from "../config/model-section.ts";
import { createModel, type Model, withAdapters, withBottlenecks, withPool, withShards } from "../models/index.ts";
import { noPrompts } from "../models/soft-prompts.ts";
import { initialParameters } from "../params/initialize.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import { type HeldParameters, heldOf, type ParameterSplit, partOf, splitParameters } from "../params/standing.ts";
import { weightsOf } from "../params/statistics.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { SubModels } from "../submodels/index.ts";
import { requireAdapterKeys } from "./adapter-keys.ts";
import { withAdapterRule } from "./adapter-rule.ts";
import { requirePrivateModels } from "./check-private-models.ts";
import { checkedMethod } from "./checked-method.ts";
import { checkedModel } from "./checked-model.ts";
import type { DeviceChoices } from "./device-choices.ts";
import type { Federation } from "./federation.ts";
import { heldSelectors } from "./held-selectors.ts";
import { type InitialWeights, type Start, startFrom } from "./initial-weights.ts";
import { localOnly } from "./local-only.ts";
import { payloadSettings } from "./public-examples.ts";
import { requireStatisticsFit, withSharedStatistics } from "./shared-statistics.ts";
import { requireSplit, withSplitMessages } from "./split-run.ts";
import { requireWholeModels, withSubModels, withWidths } from "./sub-model-run.ts";

/** What the operator may bring instead of a name in the configuration. */
export interface CustomParts {
  readonly model?: Model | undefined;
  readonly algorithm?: Algorithm | undefined;
  /** What to start from instead of random weights, e.g. a decoded safetensors file. */
  readonly weights?: InitialWeights | undefined;
  /** Of the devices, where devices.trace names one. */
  readonly trace?: DeviceTrace | undefined;
  /** Content of `topology.file`. */
  readonly topology?: string | undefined;
  /** Of model and algorithm, where they come from files. */
  readonly origins?: { readonly model?: Origin | undefined; readonly algorithm?: Origin | undefined } | undefined;
}

/** A model and a method that fit each other, and where they start. */
export interface ResolvedMethod {
  readonly model: Model;
  /** Of the parameters that travel. */
  readonly layout: Layout;
  /** The others; undefined: all travel. */
  readonly held: HeldParameters | undefined;
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  /** Of the parameters that travel, [d]. */
  readonly initial: Float32Array;
  /** The models of clients of other widths; absent: all train `model`. */
  readonly subModels?: SubModels | undefined;
  /** What a controller has chosen for the devices of clients; absent: there is none. */
  readonly choices?: DeviceChoices | undefined;
  /** Where the initial weights come from, if not from the seed. */
  readonly start: Start | undefined;
}

/** The model and the method of a configuration. Throws what a wrong name, option or own file is. */
export function resolveMethod(
  config: Config,
  { examples, clients }: Pick<Federation, "examples" | "clients">,
  own: CustomParts,
): ResolvedMethod {
  const { origins = {} } = own;
  requireAdapterKeys(config);
  const named = forTasks(config, own.algorithm ?? namedMethod(config));
  requirePrivateModels(config, named);
  const configured =
    own.model === undefined ? namedModel(config, examples) : ownModel(config, own.model, origins.model);
  const model = named.trains?.(configured) ?? configured;
  requireSplit(config, named, model);
  const whole = layout(model.parameters);
  const split = splitOf(heldSelectors(config, model, named), whole);
  const { shared } = split;
  const weights = weightsOf(shared);
  const settings = payloadSettings(config, named, model);
  const found =
    own.algorithm === undefined
      ? { algorithm: named, payloads: named.payloads(weights, settings) }
      : checkedMethod(own.algorithm, weights, origins.algorithm, settings);
  requireWholeModels(config, found.algorithm);
  requireStatisticsFit(config, found, layout(configured.parameters), shared);
  const base = model.base === undefined ? whole : layout(model.base.parameters);
  const start = own.weights && startFrom(own.weights, base, modelSection(config.model).reading);
  const drawn = initialParameters(model.parameters, deriveKey(rootKey(config.seed), "init"));
  const values = start === undefined ? drawn : withValues(whole, drawn, base, start.vector);
  if (model.adapters !== undefined) startCores(model.adapters, whole, values);
  const run = { split, values, population: clients };
  const held = heldOf(split, values);
  const messages = withSplitMessages(found, config, model, held);
  const ruled = withAdapterRule(config, model, withSharedStatistics(messages, shared), run);
  const { algorithm, payloads, subModels } =
    ruled.tiers === undefined
      ? withWidths(ruled, model, shared, config.training)
      : withSubModels(ruled, ruled.tiers, config.training);
  const initial = split.shared === whole ? values : (partOf(whole, values, shared) as Float32Array);
  const { choices } = ruled;
  return {
    model,
    layout: shared,
    held,
    algorithm,
    payloads,
    subModels,
    choices,
    initial,
    start,
  };
}

function splitOf(selectors: ReturnType<typeof heldSelectors>, whole: Layout): ParameterSplit {
  const none = layout([]);
  if (selectors.personal.length + selectors.frozen.length === 0)
    return { whole, shared: whole, personal: none, frozen: none };
  return splitParameters(whole, selectors);
}

function namedModel(config: Config, data: Federation["examples"]): Model {
  const { name, options } = namedModelParts(config);
  return createModel(name, data, options);
}

function ownModel(config: Config, model: Model, origin: Origin | undefined): Model {
  const adapters = configuredAdapters(config);
  const bottlenecks = configuredBottlenecks(config);
  const pool = configuredPool(config);
  const shards = configuredShards(config);
  const checked = checkedModel(model, origin);
  if (config.adapters.prompts !== undefined) throw noPrompts(checked.name);
  if (pool !== undefined) return withPool(checked, pool);
  if (shards !== undefined) return withShards(checked, shards);
  if (bottlenecks !== undefined) return withBottlenecks(checked, bottlenecks);
  return adapters === undefined ? checked : withAdapters(checked, adapters);
}

/** Values of a whole model [whole.size], those of a part of it replaced. */
function withValues(whole: Layout, values: Float32Array, part: Layout, given: Float32Array): Float32Array {
  if (part.size === whole.size) return given;
  const places = new Map(whole.entries.map((entry) => [entry.name, entry]));
  for (const entry of part.entries) entryView(values, places.get(entry.name)!).set(entryView(given, entry));
  return values;
}

/** The method for tasks that come one after the other, where it is made for such. */
function forTasks({ taskStream }: Config, algorithm: Algorithm): Algorithm {
  return taskStream.kind === "none" ? algorithm : (algorithm.forTasks?.(taskStream) ?? algorithm);
}

function namedMethod(config: Config): Algorithm {
  const { name, file: _file, ...options } = config.algorithm;
  const named = config.baseline === "local-only" ? localOnly : createAlgorithm(name, options);
  // who reads of the run sees what it is
  return config.baseline === undefined ? named : { ...named, name: config.baseline };
}
