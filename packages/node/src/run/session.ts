import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type BlobStore,
  type Config,
  newestCheckpoint,
  type Own,
  parseConfig,
  type RunEvent,
  type RunResult,
  renderToml,
  runFederation,
} from "@anabranch/core";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { diskClientStates } from "../store/disk-client-states.ts";
import { EventLog, flushingBefore, truncateAfterRound } from "../store/event-log.ts";
import { MetricsCsv } from "../store/metrics-csv.ts";
import { createRunFolder, openRunFolder, type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { RunIndex } from "../store/run-index.ts";
import { RunSummarizer } from "../store/run-summary.ts";
import { writeOutputs } from "./outputs.ts";
import { type OpenSimulation, openSimulation, type SimulationOptions } from "./simulation.ts";

export interface SessionOptions extends SimulationOptions {
  /** Root folder of runs. */
  readonly runs: string;
  onEvent?(event: RunEvent): void;
  /** Aborted: the running round ends, a checkpoint is written, the outcome says "interrupted". */
  readonly signal?: AbortSignal;
}

export interface RunOutcome {
  readonly id: string;
  readonly folder: string;
  readonly result: RunResult;
  /** What was written for people, relative to the folder. */
  readonly files: readonly string[];
}

/** Runs a configuration in a new folder below `options.runs`. */
export async function startRun(config: Config, options: SessionOptions, own: Own = {}): Promise<RunOutcome> {
  // first what can be refused: a configuration that cannot run leaves no folder behind
  const simulation = await openSimulation(config, config.name, options, own);
  try {
    const run = await createRunFolder({ root: options.runs, name: config.name });
    await writeRunFile(run.paths.config, renderToml(config));
    return await locked(run, () => recorded(run, config, simulation, options));
  } finally {
    await simulation.close();
  }
}

/** Continues a run from its newest checkpoint, with the configuration in its folder. */
export async function resumeRun(folder: string, options: SessionOptions, own: Own = {}): Promise<RunOutcome> {
  const run = await openRunFolder(folder);
  const config = parseConfig(await readFile(run.paths.config, "utf8"), run.paths.config);
  return locked(run, async () => {
    const simulation = await openSimulation(config, config.name, options, own);
    try {
      return await recorded(run, config, simulation, options);
    } finally {
      await simulation.close();
    }
  });
}

async function locked<T>(run: RunFolder, body: () => Promise<T>): Promise<T> {
  const lock = await run.lock();
  try {
    return await body();
  } finally {
    await lock.release();
  }
}

/** The round loop with everything it says written down. */
async function recorded(
  run: RunFolder,
  config: Config,
  simulation: OpenSimulation,
  options: SessionOptions,
): Promise<RunOutcome> {
  const { paths, folder, id } = run;
  const blobs = await openDiskBlobStore(folder);
  await truncateAfterRound(paths.events, (await newestCheckpoint(blobs))?.checkpoint.round ?? 0);
  const log = await EventLog.open(paths.events);
  const metrics = await MetricsCsv.open(paths.metrics, paths.events);
  const index = await RunIndex.open(dirname(folder));
  const summarizer = await RunSummarizer.ofFolder(folder);
  await writeRunFile(paths.partition, JSON.stringify(partitionFile(simulation, config)));
  const emit = async (event: RunEvent) => {
    await log.append(event);
    await metrics.append(event);
    summarizer.add(event);
    if (INDEXED.has(event.type)) index.update(summarizer.summary);
    options.onEvent?.(event);
  };
  const checkpoints: BlobStore = flushingBefore(blobs, log);
  try {
    const { plan, backend, evaluator, warning } = simulation;
    if (warning !== undefined) await emit({ v: 1, type: "run.warning", at: new Date().toISOString(), ...warning });
    const clientStates = diskClientStates(paths.clientStates);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const result = await runFederation(
      { ...plan, id },
      { backend, evaluator, checkpoints, clientStates, emit, ...signal },
    );
    await log.flush();
    const files = await writeOutputs(run, simulation, result);
    return { id, folder, result, files };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const round = (await newestCheckpoint(blobs))?.checkpoint.round ?? 0;
    await emit({ v: 1, type: "run.stopped", at: new Date().toISOString(), round, reason: "error", message }).catch(
      () => {},
    );
    throw error;
  } finally {
    index.close();
    // each is tried: on a full disk one failure must not hide the first error or leave the others open
    await Promise.allSettled([log.close(), metrics.close()]);
  }
}

/** Events that change what a list of runs shows. */
const INDEXED = new Set<string>(["run.started", "round.finished", "run.stopped", "run.finished"]);

function partitionFile({ federation, simulation }: OpenSimulation, { data }: Config) {
  const { name, clients, classes, statistics } = federation;
  const { counts, ...rest } = statistics;
  const shown = counts.length < clients ? ` (first ${counts.length} of ${clients} clients)` : "";
  return {
    scheme: simulation.train.kind === "synthetic" ? `synthetic${shown}` : data.partition.scheme,
    dataset: name,
    clients,
    classes,
    counts,
    statistics: rest,
  };
}
