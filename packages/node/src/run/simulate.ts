import {
  type ConfigInput,
  type CustomParts,
  memoryBlobStore,
  memoryClientStates,
  type RunEvent,
  type RunResult,
  resolveConfig,
  runFederation,
} from "@anabranch/core";
import { openSimulation, type SimulationOptions } from "./simulation.ts";

export interface SimulateOptions extends SimulationOptions {
  onEvent?(event: RunEvent): void;
  readonly signal?: AbortSignal;
}

/**
 * Runs a federation in memory and returns its history and model; nothing is written to disk.
 *
 * @param config sections and keys of the TOML file as an object; what is left out has its default. Paths in it are
 *   relative to `options.baseDir`, by default the working directory
 * @param own a model or algorithm of your own instead of a name
 * @example
 * ```ts
 * import { simulate } from "@anabranch/node";
 * const result = await simulate({
 *   rounds: 2,
 *   data: { dataset: "synthetic", clients: 4, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 *   execution: { executor: "interpreter", workers: 1 },
 * });
 * result.history.length; // => 2
 * ```
 */
export async function simulate(
  config: ConfigInput,
  options: SimulateOptions = {},
  own: CustomParts = {},
): Promise<RunResult> {
  const resolved = resolveConfig(config);
  const simulation = await openSimulation(resolved, "simulation", options, own);
  try {
    return await runFederation(simulation.plan, {
      backend: simulation.backend,
      evaluator: simulation.evaluator,
      secureAggregation: simulation.secureAggregation,
      probe: simulation.probe,
      judge: simulation.judge,
      trainer: simulation.trainer,
      adapter: simulation.adapter,
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit: (event) => options.onEvent?.(event),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } finally {
    await simulation.close();
  }
}
