import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { Curriculum } from "../client/curriculum.ts";
import type { TaskSettings } from "../client/local-task.ts";
import type { OpenWorldLoss } from "../client/open-world-loss.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isRegression, type Model, singleLabelClasses } from "../models/index.ts";
import { configuredLoss } from "./configured-loss.ts";
import type { Federation } from "./federation.ts";

/** Examples of a client at most: the order of n examples takes n^2 comparisons. */
const MOST_ORDERED = 10_000;

/** Local training as a configuration has it, with the loss and the order of examples. Throws `config/conflict`. */
export function configuredTraining(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  model: Model,
  federation: Federation,
): TaskSettings {
  const {
    curriculum: _given,
    loss: _loss,
    alignment: _strengths,
    calibration: _head,
    upSampling,
    openWorld: _unlabelled,
    ...training
  } = config.training;
  const loss = configuredLoss(config, algorithm, model, federation);
  requireFewToChoose(algorithm, federation);
  return {
    ...training,
    loss,
    openWorld: federation.unlabelled && requireOpenWorld(config, algorithm, payloads, model),
    curriculum: configuredCurriculum(config, algorithm, payloads, model, federation),
    upSampling: upSampling.rounds === 0 ? undefined : upSampling,
  };
}

/** The loss where labels are hidden. Throws `config/conflict` where it cannot be computed, or protects nobody. */
function requireOpenWorld(
  { training: { openWorld }, adapters }: Config,
  { name, privacy, trains, privateModels = false, client: { draws = {} } }: Algorithm,
  { broadcast, replay }: Payloads,
  model: Model,
): OpenWorldLoss {
  const refuse = (received: string, advice: string): never => {
    throw conflict("data.unlabelled", received, "no hidden labels", advice);
  };
  if (singleLabelClasses(model) === undefined)
    refuse(`model ${model.name}`, "Choose a model that gives each example one of a few classes.");
  if (privacy?.unit === "records")
    refuse("record-level privacy", "The gradient of a record would depend on other records.");
  if (broadcast["parameters"] === undefined || replay !== undefined || privateModels)
    refuse(`algorithm.name = "${name}"`, "Clients measure the model that they receive, and they receive none.");
  if (adapters.rank !== undefined && adapters.rule === "flora")
    refuse('adapters.rule = "flora"', "Its clients are given their model in two parts: take another rule.");
  if (trains !== undefined)
    refuse(`algorithm.name = "${name}"`, "The loss is for the configured model, and its clients train another one.");
  if (Object.values(draws).some(({ kind }) => kind === "features" || kind === "uniformFeatures"))
    refuse(`algorithm.name = "${name}"`, "Its clients draw examples of the class of each of theirs.");
  if (openWorld.view === "mirrored" && (model.features.dtype !== "uint8" || model.features.shape.length !== 3))
    throw conflict("training.openWorld.view", '"mirrored"', '"same"', "Only images [channels, n, n] are mirrored.");
  return openWorld;
}

function configuredCurriculum(
  { training: { curriculum }, rounds, adapters }: Config,
  { name, privacy }: Algorithm,
  { broadcast, replay }: Payloads,
  model: Model,
  { statistics }: Federation,
): Curriculum | undefined {
  const { order, score, pacing, start, duration } = curriculum;
  if (order === "none") return undefined;
  const refuse = (received: string, advice: string): never => {
    throw conflict("training.curriculum.order", `"${order}", with ${received}`, '"none"', advice);
  };
  if (privacy?.unit === "records")
    refuse("record-level privacy", "Which records are used would depend on other records.");
  if (broadcast["parameters"] === undefined || replay !== undefined)
    refuse(
      `algorithm.name = "${name}"`,
      "Examples are ordered by the model that clients receive, and they receive none.",
    );
  if (adapters.rank !== undefined && adapters.rule === "flora")
    refuse('adapters.rule = "flora"', "Its clients are given their model in two parts: take another rule.");
  const most = mostExamples(statistics);
  if (most > MOST_ORDERED) refuse(`${most} examples at one client`, `At most ${MOST_ORDERED} are ordered.`);
  if (score === "error-norm" && (model.labels.shape.length > 0 || isRegression(model)))
    refuse('score = "error-norm"', "Models without one class per example have no such norm: remove the score.");
  return { order, score, pacing, a: duration, b: start, horizon: rounds };
}

/** Examples that are chosen by a score are ordered by it. Throws `config/conflict`. */
function requireFewToChoose({ splitTraining, name }: Algorithm, { statistics }: Federation): void {
  if (splitTraining === undefined || splitTraining.drop === 0 || splitTraining.keep === "random") return;
  const most = mostExamples(statistics);
  if (most <= MOST_ORDERED) return;
  const received = `${splitTraining.drop}, with algorithm.name = "${name}" and ${most} examples at one client`;
  throw conflict("algorithm.drop", received, "0", `At most ${MOST_ORDERED} are ordered: use more clients, or no drop.`);
}

/** Of the client that has most. */
export function mostExamples({ counts }: Federation["statistics"]): number {
  return counts.reduce((largest, ofClient) => Math.max(largest, sumOf(ofClient)), 0);
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
