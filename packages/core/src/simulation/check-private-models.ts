import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isAdapted } from "../config/model-section.ts";
import { parameterSelectors } from "../config/parameters-schema.ts";

type Refuse = (key: string, value: unknown, expected: string, advice: string) => void;

/**
 * Refuses (`config/conflict`) what does not fit methods whose clients keep whole models: of the parameters of a configured
 * model that nobody trains, and of uploads that are outputs.
 */
export function requirePrivateModels(config: Config, algorithm: Algorithm): void {
  const refuse: Refuse = (key, value, expected, advice) => {
    throw conflict(key, `${JSON.stringify(value)}, with algorithm.name = "${algorithm.name}"`, expected, advice);
  };
  const { trains, privateModels = false, usesPublicExamples = false } = algorithm;
  if (trains !== undefined || privateModels) requirePlainTraining(config, refuse);
  if (trains !== undefined) requireAnotherModel(config, algorithm, refuse);
  if (privateModels) requireOwnModels(config, refuse);
  if (usesPublicExamples) requireOutputs(config, refuse);
}

/** What is made of the head or the outputs of one model that all clients receive. */
function requirePlainTraining({ training, taskStream }: Config, refuse: Refuse): void {
  const { alignment, calibration, loss, upSampling } = training;
  const switches = {
    "training.alignment.gradient": alignment.gradient,
    "training.alignment.hessian": alignment.hessian,
    "training.calibration.samples": calibration.samples,
    "training.loss.confusion": loss.confusion,
    "training.upSampling.rounds": upSampling.rounds,
  };
  for (const [key, value] of Object.entries(switches)) {
    const advice = `It is made for one model that all clients receive, and theirs are private. Leave ${key} out.`;
    if (value > 0) refuse(key, value, "0", advice);
  }
  if (taskStream.kind !== "none") {
    const advice = "It is made for one model that all clients receive, and theirs are private. Remove [taskStream].";
    refuse("taskStream.kind", taskStream.kind, '"none"', advice);
  }
}

/** Clients train another model than the configured one, and the method says what of it is shared. */
function requireAnotherModel(config: Config, { adapts = false }: Algorithm, refuse: Refuse): void {
  const { parameters, model, training } = config;
  for (const key of ["personal", "frozen"] as const) {
    const advice = `The method itself says what clients share. Leave parameters.${key} out.`;
    if (parameterSelectors(parameters)[key].length > 0) refuse(`parameters.${key}`, parameters[key], "nothing", advice);
  }
  const other = "Its clients train another model than the configured one.";
  if (!adapts && isAdapted(config)) refuse("adapters", config.adapters, "nothing", `${other} Remove [adapters].`);
  if (!adapts && model.initialWeights !== undefined)
    refuse("model.initialWeights", model.initialWeights, "nothing", `${other} Leave model.initialWeights out.`);
  if (training.loss.margin > 0)
    refuse("training.loss.margin", training.loss.margin, "0", `${other} Leave training.loss.margin out.`);
}

/** Clients keep all parameters, and receive none. */
function requireOwnModels({ parameters, training: { curriculum } }: Config, refuse: Refuse): void {
  if (parameterSelectors(parameters).personal.length > 0) {
    const advice = "Its clients keep the whole model already. Leave parameters.personal out.";
    refuse("parameters.personal", parameters.personal, "nothing", advice);
  }
  if (curriculum.order !== "none") {
    const advice = "Examples are ordered by the model that clients receive, and they receive none.";
    refuse("training.curriculum.order", curriculum.order, '"none"', advice);
  }
}

/** Clients send probabilities. */
function requireOutputs({ compression }: Config, refuse: Refuse): void {
  if (compression.up.length === 0) return;
  const advice = "Its clients send probabilities, which have to stay such. Remove compression.up.";
  refuse("compression.up", compression.up, "[]", advice);
}
