import { type Config, evaluationRanges, type SimulationSpec, type Warning } from "@anabranch/core";

/** What decides how many worker threads a run can use. */
export interface WorkerDemand {
  /** Clients of a cohort, at most; of Poisson sampling, all but surely. */
  readonly cohort: number;
  /** Pieces into which an evaluation is cut. */
  readonly evaluation: number;
  /** Of this machine. */
  readonly cores: number;
}

export interface WorkerCount {
  readonly workers: number;
  readonly warnings: readonly Warning[];
}

/** What a configured run gives its workers to do at a time. */
export function workerDemand(
  { sampler }: Config,
  simulation: SimulationSpec,
  population: number,
  cores: number,
): WorkerDemand {
  const { name, cohort } = sampler;
  // a cohort of random size exceeds its mean by four standard deviations about once in 30,000 rounds
  const largest = name !== "uniform" ? Math.min(population, Math.ceil(cohort + 4 * Math.sqrt(cohort))) : cohort;
  const pieces = [simulation.test, simulation.holdout].map((data) =>
    data === undefined ? 0 : evaluationRanges(data, simulation.evaluation.batchSize).length,
  );
  return { cohort: largest, evaluation: Math.max(...pieces), cores };
}

/**
 * The worker threads to start: as many as asked for, but none that could never have a task. Each takes about a second
 * of processor time to start and 100 MB or more. Evaluations, which are short, get no thread beyond the cores.
 *
 * @param asked 0: none; undefined: one for each core
 */
export function countWorkers(asked: number | undefined, { cohort, evaluation, cores }: WorkerDemand): WorkerCount {
  const useful = Math.max(1, cohort, Math.min(cores, evaluation));
  const workers = Math.min(asked ?? cores, useful);
  const warnings: Warning[] = [];
  if (asked !== undefined && asked > Math.max(workers, cores)) {
    const message = `${asked} workers were requested and ${workers} started: a round has at most ${cohort} clients.`;
    warnings.push({ code: "execution/workers-unused", message });
  }
  if (workers > cores) {
    const message = `${workers} workers share ${cores === 1 ? "1 core" : `${cores} cores`}. More workers than cores use more memory without being faster.`;
    warnings.push({ code: "execution/workers-cores", message });
  }
  return { workers, warnings };
}
