import type { Algorithm } from "../algorithms/algorithm.ts";
import { REPEATED, repeatedLayout } from "../client/up-sampling.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isRegression } from "../models/index.ts";
import type { Vector } from "../params/vector.ts";
import { feedbackState, type PipelineSettings } from "../pipeline/index.ts";
import { mostExamples } from "./configured-training.ts";
import type { Federation } from "./federation.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

/** State that says whether training has started again. */
const RESTARTED = "restarted";

/**
 * The method of a run with up-sampling: after the early rounds the server begins again from the initial weights, as USEFUL
 * does with one model. Throws `config/conflict` where that would not be a fresh start.
 */
export function restarting<M extends ResolvedMethod>(config: Config, method: M, { statistics }: Federation): M {
  const { rounds } = config.training.upSampling;
  if (rounds === 0) return method;
  requireFreshStart(config, method);
  const { algorithm, initial, layout } = method;
  const kept = { [REPEATED]: repeatedLayout(mostExamples(statistics)) };
  const restart: Algorithm = {
    ...algorithm,
    payloads(model, settings) {
      const all = algorithm.payloads(model, settings);
      return { ...all, clientState: { ...all.clientState, ...kept } };
    },
    update(state, aggregate, context) {
      if (context.round < rounds || state.scalars[RESTARTED] === 1) return algorithm.update(state, aggregate, context);
      const { vectors, scalars } = algorithm.init(like(initial, state.vectors.parameters), layout);
      return { vectors, scalars: { ...scalars, [RESTARTED]: 1 } };
    },
  };
  return { ...method, algorithm: restart, payloads: restart.payloads(layout, config.training) };
}

function like(values: Vector, parameters: Vector): Vector {
  return parameters instanceof Float64Array ? Float64Array.from(values) : Float32Array.from(values);
}

function requireFreshStart(
  { training, rounds: all, privacy, secureAggregation, topology, schedule, stop, adapters }: Config,
  { algorithm, payloads, model, subModels }: ResolvedMethod,
): void {
  const { rounds } = training.upSampling;
  const refuse = (received: string, advice: string, expected = "0"): never => {
    throw conflict("training.upSampling.rounds", `${rounds}, with ${received}`, expected, advice);
  };
  if (rounds >= all)
    refuse(`rounds = ${all}`, "Training starts again after them: raise rounds.", "fewer than all rounds");
  if (isRegression(model) || model.labels.shape.length > 0)
    refuse("a model without one class per example", "Examples are grouped by the probabilities of their classes.");
  if (training.curriculum.order !== "none") refuse("training.curriculum.order set", "Both choose the examples.");
  if (privacy.mechanism !== "none" || secureAggregation.protocol !== "none")
    refuse("private updates", "No guarantee is proved here for examples that are seen twice.");
  if (stop.patience > 0 || stop.targetAccuracy !== undefined)
    refuse("an early end", "The early rounds would count: remove stop.patience and stop.targetAccuracy.");
  const isSynchronous = (schedule.name ?? "synchronous") === "synchronous" && algorithm.schedule === undefined;
  if (!isSynchronous || algorithm.buffer !== undefined)
    refuse("an asynchronous schedule", "Updates of the early model would reach the new one.");
  if (adapters.rank !== undefined && adapters.rule === "flora")
    refuse('adapters.rule = "flora"', "Its clients are given their model in two parts.");
  const { broadcast, own = [], replay } = payloads;
  const isOne = broadcast["parameters"] !== undefined && !own.includes("parameters") && replay === undefined;
  if (!isOne || topology.name !== "none" || algorithm.clusters !== undefined || subModels !== undefined)
    refuse(`algorithm.name = "${algorithm.name}"`, "Clients have to receive one whole model from a server.");
}

/** Refuses up-sampling (`config/conflict`) where clients keep what they learned in the early rounds. */
export function requireNoMemory(
  { training: { upSampling }, algorithm }: Config,
  { payloads, held }: Pick<ResolvedMethod, "payloads" | "held">,
  stages: PipelineSettings,
): void {
  if (upSampling.rounds === 0) return;
  const kept = Object.keys({ ...payloads.clientState, ...feedbackState(stages, payloads) });
  if (kept.every((name) => name === REPEATED) && (held === undefined || held.split.personal.size === 0)) return;
  const received = `${upSampling.rounds}, with algorithm.name = "${algorithm.name}" or feedback, whose clients keep state`;
  const advice = "What they keep would be of the model before the new start.";
  throw conflict("training.upSampling.rounds", received, "0", advice);
}
