import { availableParallelism } from "node:os";
import {
  type Backend,
  type Config,
  type CustomParts,
  type Evaluator,
  inProcessSimulation,
  type PreparedRun,
  type RunPlan,
  type SecureAggregationProtocol,
  simulatedSecureAggregation,
} from "@anabranch/core";
import { fingerprint } from "@anabranch/engine";
import { openExecutorOrFallback } from "../executors.ts";
import { WorkerPool } from "../workers/pool.ts";
import { type LoadOptions, loadConfigured, prepareConfigured } from "./configured.ts";
import { countWorkers, workerDemand } from "./worker-count.ts";

/** A configured run with the backend that carries it out. */
export interface OpenSimulation extends PreparedRun {
  readonly backend: Backend;
  readonly evaluator: Evaluator;
  readonly secureAggregation: SecureAggregationProtocol | undefined;
  readonly workers: number;
  close(): Promise<void>;
}

export interface SimulationOptions extends LoadOptions {
  /**
   * Worker threads; 0 runs every client on this thread. Overrides the configuration. Fewer are started where they could
   * have no task, with a warning.
   */
  readonly workers?: number;
}

/** Loads data and own files, traces the programs and starts the workers. */
export async function openSimulation(
  config: Config,
  id: string,
  options: SimulationOptions,
  own: CustomParts = {},
): Promise<OpenSimulation> {
  const loaded = await loadConfigured(config, options);
  const { executor, warning } = await openExecutorOrFallback(config.execution.executor);
  const identity = {
    name: executor.name,
    version: executor.version,
    float: executor.float,
    fingerprint: await fingerprint(executor),
  };
  const prepared = prepareConfigured(config, loaded.data, identity, 0, id, withOwn(loaded.own, own));
  const demand = workerDemand(config, prepared.simulation, prepared.plan.population, availableParallelism());
  const { workers, warnings } = countWorkers(options.workers ?? configuredWorkers(config), demand);
  const { description } = prepared.plan;
  const plan: RunPlan = {
    ...prepared.plan,
    description: { ...description, workers },
    warnings: [...(warning === undefined ? [] : [warning]), ...warnings, ...(prepared.plan.warnings ?? [])],
  };
  const secureAggregation = await simulatedSecureAggregation(plan);
  if (workers === 0) {
    const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
    return { ...prepared, plan, backend, evaluator, secureAggregation, workers, close };
  }
  const pool = await WorkerPool.start(prepared.simulation, {
    executor: executor.name,
    workers,
    ...(config.execution.window === "auto" ? {} : { window: config.execution.window }),
  });
  return { ...prepared, plan, backend: pool, evaluator: pool, secureAggregation, workers, close: () => pool.close() };
}

/** What the caller brings stands in for what files made, and is then none of theirs. */
function withOwn({ origins = {}, ...loaded }: CustomParts, own: CustomParts): CustomParts {
  const model = own.model === undefined ? origins.model : undefined;
  const algorithm = own.algorithm === undefined ? origins.algorithm : undefined;
  return { ...loaded, ...own, origins: { model, algorithm } };
}

function configuredWorkers({ execution }: Config): number | undefined {
  return execution.workers === "auto" ? undefined : execution.workers;
}
