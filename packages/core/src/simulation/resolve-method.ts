import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { DeviceTrace } from "../clock/index.ts";
import type { Origin } from "../config/contract.ts";
import { type Config, modelSection } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { createModel, type Model } from "../models/index.ts";
import { initialParameters } from "../params/initialize.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type HeldParameters, heldOf, type ParameterSplit, partOf, splitParameters } from "../params/standing.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { checkedMethod } from "./checked-method.ts";
import { checkedModel } from "./checked-model.ts";
import type { Federation } from "./federation.ts";
import { type InitialWeights, type Start, startFrom } from "./initial-weights.ts";
import { localOnly } from "./local-only.ts";

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
  /** Where the initial weights come from, if not from the seed. */
  readonly start: Start | undefined;
}

/** The model and the method of a configuration. Throws what a wrong name, option or own file is. */
export function resolveMethod(
  config: Config,
  { examples }: Pick<Federation, "examples">,
  own: CustomParts,
): ResolvedMethod {
  const { origins = {} } = own;
  const model = own.model === undefined ? namedModel(config, examples) : checkedModel(own.model, origins.model);
  const whole = layout(model.parameters);
  const named = own.algorithm ?? namedMethod(config);
  const split = splitOf(standing(config, named), whole);
  const { shared } = split;
  const { algorithm, payloads } =
    own.algorithm === undefined
      ? { algorithm: named, payloads: named.payloads(shared, config.training) }
      : checkedMethod(own.algorithm, shared, origins.algorithm, config.training);
  const start = own.weights && startFrom(own.weights, whole, modelSection(config.model).reading);
  const values = start?.vector ?? initialParameters(model.parameters, deriveKey(rootKey(config.seed), "init"));
  const initial = split.shared === whole ? values : (partOf(whole, values, shared) as Float32Array);
  return { model, layout: shared, held: heldOf(split, values), algorithm, payloads, initial, start };
}

/** Selectors of a configuration, or of its method where the configuration has none. */
export function standing(
  { parameters }: Pick<Config, "parameters">,
  { personal: own }: Pick<Algorithm, "personal">,
): Readonly<Record<"personal" | "frozen", readonly string[]>> {
  const { personal, frozen } = parameterSelectors(parameters);
  return { personal: personal.length > 0 || own === undefined ? personal : own.layers, frozen };
}

function splitOf(selectors: ReturnType<typeof standing>, whole: Layout): ParameterSplit {
  const none = layout([]);
  if (selectors.personal.length + selectors.frozen.length === 0)
    return { whole, shared: whole, personal: none, frozen: none };
  return splitParameters(whole, selectors);
}

function namedModel(config: Config, data: Federation["examples"]): Model {
  const { name, options } = modelSection(config.model);
  return createModel(name, data, options);
}

function namedMethod(config: Config): Algorithm {
  const { name, file: _file, ...options } = config.algorithm;
  const named = config.baseline === "local-only" ? localOnly : createAlgorithm(name, options);
  // who reads of the run sees what it is
  return config.baseline === undefined ? named : { ...named, name: config.baseline };
}
