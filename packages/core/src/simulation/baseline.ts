import { stepCount } from "../client/batches.ts";
import type { Baseline } from "../config/baseline.ts";
import { type Config, resolveConfig } from "../config/index.ts";
import { configuredAdapters } from "../config/model-section.ts";
import { USUAL_BUFFER } from "./configured-schedule.ts";
import type { Federation } from "./federation.ts";

/**
 * The baseline of a configuration: the same data, partition, model, seed, rounds and local training, without a method, a
 * schedule, privacy and secure aggregation.
 *
 * @param initialWeights safetensors file of the model that clients fine-tune; default: that of the configuration
 *
 * @example
 * ```ts
 * import { baselineConfig, resolveConfig } from "@anabranch/core";
 * const config = resolveConfig({ name: "trees", algorithm: { name: "scaffold" } });
 * const { name, algorithm } = baselineConfig(config, "centralized");
 * [name, algorithm.name]; // => ["trees-centralized", "fedavg"]
 * ```
 */
export function baselineConfig(config: Config, baseline: Baseline, initialWeights?: string): Config {
  const { name, seed, rounds, data, model, adapters, parameters, training, evaluation, stop, checkpoint, execution } =
    config;
  const suffix = initialWeights === undefined ? baseline : "fine-tuned";
  return resolveConfig({
    ...{ seed, rounds, data, baseline, training, evaluation, stop, checkpoint, execution },
    name: `${name.slice(0, 180)}-${suffix}`,
    model: initialWeights === undefined ? model : { ...model, initialWeights },
    // of one client there is nothing to combine
    adapters: {
      ...{ ...adapters, ...NO_CHOICE, rank: configuredAdapters(config)?.rank },
      rule: adapters.rule === "ffa" || adapters.rule === "fed-sb" ? adapters.rule : "fedit",
    },
    parameters: { frozen: parameters.frozen },
    sampler: { name: samplerName(config), cohort: updatesPerRound(config) },
  });
}

/** Keys of what a server chooses for its clients' adapters. */
const NO_CHOICE = {
  ...{ select: undefined, selectAfter: undefined, controller: undefined, batches: undefined, bits: undefined },
  ...{ pruned: undefined, exploration: undefined, timeWeight: undefined },
};

/** Clients whose updates a round of the configuration waits for. */
function updatesPerRound({ schedule, sampler, algorithm }: Config): number {
  const { name, buffer } = schedule;
  if (buffer !== undefined) return buffer;
  if ((algorithm.name === "fedasync" || algorithm.name === "async-fedavg") && name !== "synchronous") return 1;
  return name === "buffered" || algorithm.name === "fedbuff" ? USUAL_BUFFER : sampler.cohort;
}

/** The expected cohort of a private run may be fractional. */
function samplerName({ sampler }: Config): "uniform" | "poisson" {
  return Number.isInteger(sampler.cohort) ? "uniform" : "poisson";
}

/** Evaluations of a local-only run at most: each one evaluates the model of every client. */
const MOST_EVALUATIONS = 10;

/**
 * What a baseline trains, on its data: all of its clients in every round. The one client of a centralized or public-only
 * run does as many steps as the cohort of the federation, on average over its clients. Other configurations stay as they are.
 */
export function trainedConfig(config: Config, federation: Federation): Config {
  const { baseline, training, evaluation, rounds, data } = config;
  if (baseline === undefined) return config;
  const sampler = { name: "uniform", cohort: federation.clients } as const;
  if (baseline !== "local-only") {
    const { localEpochs: _epochs, ...rest } = training;
    return { ...config, sampler, training: { ...rest, localSteps: pooledSteps(config, federation) } };
  }
  const seldom = Math.ceil(rounds / MOST_EVALUATIONS);
  const every = evaluation.every === 0 ? 0 : Math.max(evaluation.every, seldom);
  const clientEvery = data.holdout > 0 ? Math.max(evaluation.clientEvery, every) : 0;
  return { ...config, sampler, evaluation: { ...evaluation, every, clientEvery } };
}

/** Expected local steps of a cohort in one round. */
function pooledSteps({ training, sampler }: Config, { localExamples = [] }: Federation): number {
  const budget =
    training.localSteps === undefined ? { localEpochs: training.localEpochs } : { localSteps: training.localSteps };
  const steps = localExamples.reduce((sum, examples) => sum + stepCount(examples, training.batchSize, budget), 0);
  return Math.max(1, Math.round((sampler.cohort * steps) / localExamples.length));
}
