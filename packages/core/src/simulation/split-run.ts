import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { exchangedBytes } from "../client/split-exchange.ts";
import { adapterKinds } from "../config/adapters-schema.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";
import { hidesLabels } from "../data/unlabelled.ts";
import { type Model, singleLabelClasses } from "../models/index.ts";
import { cutModel } from "../models/model-cut.ts";
import { layout } from "../params/layout.ts";
import { type HeldParameters, partOf } from "../params/standing.ts";
import { isStatistic } from "../params/statistics.ts";
import { type Vector, zerosLike } from "../params/vector.ts";

/** A method and its payloads. */
interface Method {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
}

/** What goes down to a client that has no head of the model yet. */
const HEAD = "head";

/** The parameters that split training leaves as they are: all but the tail, and what adapters add. */
export function frozenOutsideTail(
  model: Model,
  { splitTraining }: Pick<Algorithm, "splitTraining">,
): readonly string[] {
  if (splitTraining === undefined) return [];
  const { head, body, tail } = cutModel(model, splitTraining);
  if (model.base !== undefined) return tail.parameters.map(({ name }) => `!${name}`); // the rest of it is frozen already
  return [...head.parameters, ...body.parameters].map(({ name }) => name);
}

/**
 * A method that splits the model, with what its messages are besides the broadcast and the update: a client is sent the head
 * once, and exchanges activations with the server in every step. Other methods are returned as they are.
 */
export function withSplitMessages(
  { algorithm, payloads }: Method,
  { training }: Config,
  model: Model,
  held: HeldParameters | undefined,
): Method {
  const { splitTraining: split } = algorithm;
  if (split === undefined || held === undefined) return { algorithm, payloads };
  const { head, activation } = cutModel(model, split);
  const frozen = new Set(held.split.frozen.entries.map(({ name }) => name));
  const own = layout(head.parameters.filter(({ name }) => frozen.has(name)));
  const values = partOf(held.split.frozen, held.frozen, own);
  const exchange = { activation, split, batchSize: training.batchSize };
  return {
    payloads,
    algorithm: {
      ...algorithm,
      messageTo: (_state, { vectors }, kept) => ({
        vectors: kept === undefined ? { ...vectors, [HEAD]: inFloat(values, vectors["parameters"]!) } : vectors,
      }),
      exchanged: (update, float) => exchangedBytes(exchange, update, float),
    },
  };
}

/** In the floats of the run. */
function inFloat(values: Vector, like: Vector): Vector {
  const converted = zerosLike(like, values.length);
  converted.set(values);
  return converted;
}

/** Refuses (`config/conflict`) what is made for clients that have the whole model, or choose its parameters or examples. */
export function requireSplit(config: Config, { name, splitTraining }: Algorithm, model: Model): void {
  if (splitTraining === undefined) return;
  const refuse = (key: string, value: unknown, expected: string, advice: string): never => {
    throw conflict(key, `${JSON.stringify(value)}, with algorithm.name = "${name}"`, expected, advice);
  };
  const { parameters, adapters, training, taskStream, data } = config;
  for (const key of ["personal", "frozen"] as const) {
    const advice = `The method itself says what clients train. Leave parameters.${key} out.`;
    if (parameterSelectors(parameters)[key].length > 0) refuse(`parameters.${key}`, parameters[key], "nothing", advice);
  }
  const kind = adapterKinds.find((one) => one !== "prompts" && adapters[one] !== undefined);
  if (kind !== undefined) {
    const advice = "Its clients train prompts and the tail. Set adapters.prompts = 8 alone.";
    refuse(`adapters.${kind}`, adapters[kind], "prompts or nothing", advice);
  }
  if (singleLabelClasses(model) === undefined)
    refuse("model.name", model.name, "a classifier", "Choose a model that gives each example one of a few classes.");
  if (layout(model.parameters).entries.some(isStatistic))
    refuse(
      "model.norm",
      "batch",
      '"none"',
      "Head and tail would see statistics of other activations without the body.",
    );
  const { alignment, calibration, loss, upSampling, curriculum } = training;
  const switches = {
    "training.alignment.gradient": alignment.gradient,
    "training.alignment.hessian": alignment.hessian,
    "training.calibration.samples": calibration.samples,
    "training.loss.confusion": loss.confusion,
    "training.loss.margin": loss.margin,
    "training.upSampling.rounds": upSampling.rounds,
  };
  for (const [key, value] of Object.entries(switches))
    if (value > 0) refuse(key, value, "0", `It is made for clients that have the whole model. Leave ${key} out.`);
  if (curriculum.order !== "none") {
    const advice = "The method chooses examples itself: set algorithm.drop and algorithm.keep instead.";
    refuse("training.curriculum.order", curriculum.order, '"none"', advice);
  }
  if (taskStream.kind !== "none")
    refuse("taskStream.kind", taskStream.kind, '"none"', "The frozen parts are for one task. Remove [taskStream].");
  if (hidesLabels(data.unlabelled))
    refuse(
      "data.unlabelled",
      data.unlabelled,
      "nothing",
      "Examples are chosen by their labels. Remove data.unlabelled.",
    );
}
