import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { DeviceTrace } from "../clock/index.ts";
import type { Origin } from "../config/contract.ts";
import { type Config, modelSection } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { createModel, type Model } from "../models/index.ts";
import { initialParameters } from "../params/initialize.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type HeldParameters, type ParameterSplit, partOf, splitParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { type CheckedMethod, checkedMethod } from "./checked-method.ts";
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
  const split = configuredSplit(config, whole);
  const { shared } = split;
  const { algorithm, payloads } =
    own.algorithm === undefined ? namedMethod(config, shared) : checkedMethod(own.algorithm, shared, origins.algorithm);
  const start = own.weights && startFrom(own.weights, whole, modelSection(config.model).reading);
  const values = start?.vector ?? initialParameters(model.parameters, deriveKey(rootKey(config.seed), "init"));
  const initial = split.shared === whole ? values : (partOf(whole, values, shared) as Float32Array);
  return { model, layout: shared, held: heldOf(split, values), algorithm, payloads, initial, start };
}

/** The parameters of a model by their standing. Throws `parameters/...`. */
export function configuredSplit({ parameters }: Pick<Config, "parameters">, whole: Layout): ParameterSplit {
  const none = layout([]);
  const { personal, frozen } = parameterSelectors(parameters);
  if (personal.length + frozen.length === 0) return { whole, shared: whole, personal: none, frozen: none };
  return splitParameters(whole, { personal, frozen });
}

/** What does not travel, from the values of a whole model; undefined where all does. */
export function heldOf(split: ParameterSplit, values: Vector): HeldParameters | undefined {
  const { whole, shared, personal, frozen } = split;
  if (shared.size === whole.size) return undefined;
  return { split, personal: partOf(whole, values, personal), frozen: partOf(whole, values, frozen) };
}

function namedModel(config: Config, data: Federation["examples"]): Model {
  const { name, options } = modelSection(config.model);
  return createModel(name, data, options);
}

function namedMethod(config: Config, modelLayout: Layout): CheckedMethod {
  const { name, file: _file, ...options } = config.algorithm;
  const named = config.baseline === "local-only" ? localOnly : createAlgorithm(name, options);
  // who reads of the run sees what it is
  const algorithm = config.baseline === undefined ? named : { ...named, name: config.baseline };
  return { algorithm, payloads: algorithm.payloads(modelLayout) };
}
