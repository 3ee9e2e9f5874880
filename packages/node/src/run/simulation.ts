import { availableParallelism } from "node:os";
import {
  type Backend,
  type Config,
  type Evaluator,
  inProcessSimulation,
  type Own,
  type PreparedRun,
  prepareRun,
  type Summation,
  simulatedSummation,
} from "@anabranch/core";
import { fingerprint } from "@anabranch/engine";
import { type OpenedExecutor, openExecutorOrFallback } from "../executors.ts";
import { WorkerPool } from "../workers/pool.ts";
import { type LoadOptions, loadConfigured } from "./configured.ts";

/** A configured run with the backend that carries it out. */
export interface OpenSimulation extends PreparedRun {
  readonly backend: Backend;
  readonly evaluator: Evaluator;
  readonly summation: Summation | undefined;
  readonly workers: number;
  /** Says that another executor stands in for the configured one. */
  readonly warning: OpenedExecutor["warning"] | undefined;
  close(): Promise<void>;
}

export interface SimulationOptions extends LoadOptions {
  /** Worker threads; 0 runs every client on this thread. Overrides the configuration. */
  readonly workers?: number;
}

/** Loads data and own files, traces the programs and starts the workers. */
export async function openSimulation(
  config: Config,
  id: string,
  options: SimulationOptions,
  own: Own = {},
): Promise<OpenSimulation> {
  const loaded = await loadConfigured(config, options);
  const { executor, warning } = await openExecutorOrFallback(config.execution.executor);
  const identity = {
    name: executor.name,
    version: executor.version,
    float: executor.float,
    fingerprint: await fingerprint(executor),
  };
  const workers = options.workers ?? configuredWorkers(config);
  const prepared = prepareRun(config, loaded.data, identity, workers, id, { ...loaded.own, ...own });
  const summation = await simulatedSummation(prepared.plan);
  if (workers === 0) {
    const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
    return { ...prepared, backend, evaluator, summation, workers, warning, close };
  }
  const pool = await WorkerPool.start(prepared.simulation, {
    executor: executor.name,
    workers,
    ...(config.execution.window === "auto" ? {} : { window: config.execution.window }),
  });
  return { ...prepared, backend: pool, evaluator: pool, summation, workers, warning, close: () => pool.close() };
}

function configuredWorkers(config: Config): number {
  const { workers } = config.execution;
  return workers === "auto" ? availableParallelism() : workers;
}
