import { availableParallelism } from "node:os";
import {
  type Backend,
  type Config,
  type CustomParts,
  type Evaluator,
  inProcessSimulation,
  type Judge,
  type OpenAdapter,
  openAdapter,
  openJudge,
  openProbe,
  openPublicTrainer,
  type PreparedRun,
  type Probe,
  type PublicTrainer,
  type RunPlan,
  type SecureAggregationProtocol,
  simulatedSecureAggregation,
  type Warning,
} from "@anabranch/core";
import { type Executor, fingerprint } from "@anabranch/engine";
import { openExecutorOrFallback } from "../executors.ts";
import { WorkerPool } from "../workers/pool.ts";
import { type LoadOptions, loadConfigured, prepareConfigured } from "./configured.ts";
import { countWorkers, workerDemand } from "./worker-count.ts";

/** A configured run with the backend that carries it out. */
export interface OpenSimulation extends PreparedRun {
  readonly backend: Backend;
  readonly evaluator: Evaluator;
  readonly secureAggregation: SecureAggregationProtocol | undefined;
  readonly probe: Probe | undefined;
  readonly judge: Judge | undefined;
  readonly trainer: PublicTrainer | undefined;
  readonly adapter: OpenAdapter | undefined;
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

/**
 * Loads data and own files, traces the programs and starts the workers.
 *
 * @example
 * ```ts
 * import { openSimulation } from "@anabranch/node";
 * import { resolveConfig } from "@anabranch/core";
 * const config = resolveConfig({
 *   data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 *   execution: { executor: "interpreter" },
 * });
 * const simulation = await openSimulation(config, "example", { workers: 0 });
 * simulation.plan.population; // => 2
 * await simulation.close();
 * ```
 */
export async function openSimulation(
  config: Config,
  id: string,
  options: SimulationOptions,
  own: CustomParts = {},
): Promise<OpenSimulation> {
  const { prepared, executor, warning } = await openPrepared(config, id, options, own);
  const demand = workerDemand(config, prepared.simulation, prepared.plan.population, availableParallelism());
  const { workers, warnings } = countWorkers(options.workers ?? configuredWorkers(config), demand);
  const { description } = prepared.plan;
  const plan: RunPlan = {
    ...prepared.plan,
    description: { ...description, workers },
    warnings: [
      ...(warning === undefined ? [] : [warning]),
      ...warnings,
      ...(prepared.plan.warnings ?? []),
      ...(config.diagnostics.processorTime && workers === 0 ? [WITHOUT_THREADS] : []),
    ],
  };
  const secureAggregation = await simulatedSecureAggregation(plan);
  const probe = await openProbe(prepared, executor);
  const adapter = await openAdapter(prepared, executor);
  const judging = await openJudge(prepared, executor);
  const training = openPublicTrainer(prepared.publicTraining, executor);
  const parts = [probe, adapter, judging, training];
  const ports = { secureAggregation, probe, judge: judging?.judge, trainer: training?.trainer, adapter };
  const opened = { ...prepared, plan, ...ports, workers };
  if (workers === 0) {
    const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
    return { ...opened, backend, evaluator, close: () => closeAll(...parts, { close }) };
  }
  const pool = await WorkerPool.start(prepared.simulation, {
    executor: executor.name,
    workers,
    measure: config.diagnostics.processorTime,
    ...(config.execution.window === "auto" ? {} : { window: config.execution.window }),
  });
  return { ...opened, backend: pool, evaluator: pool, close: () => closeAll(...parts, pool) };
}

async function closeAll(...parts: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  for (const part of parts) await part?.close();
}

const WITHOUT_THREADS: Warning = {
  code: "diagnostics/left-out",
  message: "diagnostics.processorTime is left out: it is the processor time of worker threads, and there are none.",
};

/** A configured run with the executor that it was prepared for. */
export interface OpenPrepared {
  readonly prepared: PreparedRun;
  readonly executor: Executor;
  /** The configured executor is not there. */
  readonly warning: Warning | undefined;
}

/** Loads data and own files and traces the programs. */
export async function openPrepared(
  config: Config,
  id: string,
  options: LoadOptions,
  own: CustomParts = {},
): Promise<OpenPrepared> {
  const loaded = await loadConfigured(config, options);
  const { executor, warning } = await openExecutorOrFallback(config.execution.executor);
  const { name, version, float } = executor;
  const identity = { name, version, float, fingerprint: await fingerprint(executor) };
  const prepared = prepareConfigured(config, loaded.data, identity, 0, id, withOwn(loaded.own, own));
  return { prepared, executor, warning };
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
