import { dirname, join } from "node:path";
import {
  type BlobStore,
  type Config,
  type CustomParts,
  featureNames,
  type RunEvent,
  type RunResult,
  renderToml,
  resumePoint,
  runFederation,
} from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { diskClientStates } from "../store/disk-client-states.ts";
import { EventLog, flushingBefore, truncateAfterRound } from "../store/event-log.ts";
import { MetricsCsv } from "../store/metrics-csv.ts";
import { createRunFolder, OPERATOR_TOKEN, openRunFolder, type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { RunIndex } from "../store/run-index.ts";
import { RunSummarizer, type RunSummary } from "../store/run-summary.ts";
import { withAbsolutePaths } from "./config-paths.ts";
import { writeEnvironment } from "./environment.ts";
import { writeModelDescription } from "./model-description.ts";
import { writeOutputs } from "./outputs.ts";
import { readRunConfig } from "./run-config.ts";
import { openSimulation, type SimulationOptions } from "./simulation.ts";
import type { OpenWorld, World } from "./world.ts";

export interface SessionOptions extends SimulationOptions {
  /** Root folder of runs. */
  readonly runs: string;
  /** Told where the run is written, before its first event. */
  onFolder?(folder: string): void;
  onEvent?(event: RunEvent): void;
  /** Opens what does the work; default: a simulation on this machine. */
  readonly open?: OpenWorld;
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

/**
 * Runs a configuration in a new folder below `options.runs`. The copy in that folder has absolute paths.
 *
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { resolveConfig } from "@anabranch/core";
 * import { startRun } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * const config = resolveConfig({
 *   rounds: 1,
 *   data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 *   execution: { executor: "interpreter" },
 * });
 * const runs = await mkdtemp(join(tmpdir(), "runs-"));
 * const { files } = await startRun(config, { runs, workers: 0 });
 * files.includes("report.html"); // => true
 * ```
 */
export async function startRun(given: Config, options: SessionOptions, own: CustomParts = {}): Promise<RunOutcome> {
  const { baseDir = ".", dataDir } = options;
  const config = withAbsolutePaths(given, { folderOf: () => baseDir, dataDir });
  // first what can be refused: a configuration that cannot run leaves no folder behind
  const world = await openWorld(config, options, own);
  try {
    requireWanted(options.signal);
    const run = await createRunFolder({ root: options.runs, name: config.name });
    await writeRunFile(run.paths.config, renderToml(config), run.files);
    return await withLock(run, () => runAndRecord(run, config, world, options, own));
  } finally {
    await world.close();
  }
}

/**
 * Continues a run from its newest checkpoint, with the configuration in its folder. What is refused (another
 * configuration, other data, damaged checkpoints) leaves the folder as it was.
 *
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { resolveConfig } from "@anabranch/core";
 * import { resumeRun, startRun } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * const config = resolveConfig({
 *   rounds: 1,
 *   data: { dataset: "synthetic", clients: 2, synthetic: { shape: [1, 8, 8], testExamples: 20 } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 *   execution: { executor: "interpreter" },
 * });
 * const runs = await mkdtemp(join(tmpdir(), "runs-"));
 * const first = await startRun(config, { runs, workers: 0 });
 * const again = await resumeRun(first.folder, { runs, workers: 0 });
 * again.result.modelHash === first.result.modelHash; // => true
 * ```
 */
export async function resumeRun(folder: string, options: SessionOptions, own: CustomParts = {}): Promise<RunOutcome> {
  const run = await openRunFolder(folder);
  if (options.open === undefined) await requireSimulated(run);
  const config = await readRunConfig(folder);
  return withLock(run, async () => {
    const world = await openWorld(config, options, own);
    try {
      return await runAndRecord(run, config, world, options, own);
    } finally {
      await world.close();
    }
  });
}

/** Ctrl-C while modules and data were loading: there is nothing to continue yet. Throws `run/interrupted`. */
function requireWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new AnabranchError({ code: "run/interrupted", message: "interrupted before the run had begun" });
}

/** A simulation would train on the server's own data in place of its clients'. Throws `live/not-simulated`. */
export async function requireSimulated({ folder, files, id }: RunFolder): Promise<void> {
  if ((await files.read(join(folder, OPERATOR_TOKEN))) === undefined) return;
  throw new AnabranchError({
    code: "live/not-simulated",
    message: "this is a live run: its clients have the data",
    where: folder,
    advice: `Continue it with: anabranch serve --resume ${id}`,
  });
}

function openWorld(config: Config, options: SessionOptions, own: CustomParts): Promise<World> {
  return (options.open ?? simulatedWorld)(config, options, own);
}

const simulatedWorld: OpenWorld = async (config, options, own) => {
  const simulation = await openSimulation(config, config.name, options, own);
  const enter: World["enter"] = async ({ paths, files }) => ({
    ...simulation,
    clientStates: diskClientStates(paths.clientStates, files),
  });
  return { ...simulation, enter, isFollowed: false };
};

async function withLock<T>(run: RunFolder, body: () => Promise<T>): Promise<T> {
  const lock = await run.lock();
  try {
    return await body();
  } finally {
    await lock.release();
  }
}

/** Runs the round loop and records every event of it. */
async function runAndRecord(
  run: RunFolder,
  config: Config,
  world: World,
  options: SessionOptions,
  own: CustomParts,
): Promise<RunOutcome> {
  const { paths, folder, files, id } = run;
  options.onFolder?.(folder);
  const blobs = await openDiskBlobStore(folder, files);
  const resumedFrom = (await resumePoint(world.plan, blobs))?.checkpoint.round ?? 0;
  const { clientStates, ...ports } = await world.enter(run);
  await truncateAfterRound(paths.events, resumedFrom, files);
  const log = await EventLog.open(paths.events, files, world.isFollowed);
  const metrics = await MetricsCsv.open(paths.metrics, paths.events, files);
  const index = await tryOpenIndex(dirname(folder));
  const summarizer = await RunSummarizer.ofFolder(folder);
  await writeModelDescription(run, (own.model ?? config.model.file) !== undefined, world);
  await writeRunFile(paths.partition, JSON.stringify(partitionFile(world, config)), files);
  await writeEnvironment(run, options.baseDir ?? ".");
  let savedRound = resumedFrom;
  const emit = async (event: RunEvent) => {
    await log.append(event);
    await metrics.append(event);
    summarizer.add(event);
    if (INDEXED.has(event.type)) tryUpdate(index, summarizer.summary);
    if (event.type === "checkpoint.saved") savedRound = event.round;
    options.onEvent?.(event);
  };
  const checkpoints: BlobStore = flushingBefore(blobs, log);
  try {
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const result = await runFederation({ ...world.plan, id }, { ...ports, checkpoints, clientStates, emit, ...signal });
    await log.flush();
    return { id, folder, result, files: await writeOutputs(run, world, result) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // after a full disk the run goes on as after a crash, so it has not failed
    const reason = error instanceof AnabranchError && error.code === "store/disk-full" ? "interrupted" : "error";
    const stopped = { type: "run.stopped", round: savedRound, reason, message } as const;
    // the first error counts: on a full disk this one cannot be written either
    await emit({ v: 1, at: new Date().toISOString(), ...stopped }).catch(() => {});
    throw error;
  } finally {
    index?.close();
    // each is tried: on a full disk one failure must not hide the first error or leave the others open
    await Promise.allSettled([log.close(), metrics.close()]);
  }
}

/** Events that change what a list of runs shows. */
const INDEXED = new Set<string>(["run.started", "round.finished", "run.stopped", "run.finished"]);

/** The index repeats what the folders say and is made anew from them: a run does not stop because it cannot be written. */
async function tryOpenIndex(runs: string): Promise<RunIndex | undefined> {
  try {
    return await RunIndex.open(runs);
  } catch {
    return undefined; // `list` says what is in its place
  }
}

function tryUpdate(index: RunIndex | undefined, summary: RunSummary): void {
  try {
    index?.update(summary);
  } catch {
    // a full disk or a busy index; `list` finds the run in its folder
  }
}

function partitionFile({ federation, simulation }: World, { data }: Config) {
  const { name, clients, classes, statistics } = federation;
  const { counts, ...rest } = statistics;
  const shown = counts.length < clients ? ` (first ${counts.length} of ${clients} clients)` : "";
  return {
    scheme: simulation.train.kind === "synthetic" ? `synthetic${shown}` : data.partition.scheme,
    dataset: name,
    clients,
    classes,
    ...namesOf(federation),
    counts,
    statistics: rest,
  };
}

/** Names of the classes, of the features of a table, and of the clients where each has the examples of one owner. */
function namesOf({ dataset }: World["federation"]) {
  if (dataset === undefined) return {};
  const { labels, groups, groupNames, table } = dataset.train;
  // numbers to predict are of no class
  const classNames = labels.dtype === "float" ? ["examples"] : dataset.train.classNames;
  const ownerOf = (rows: Int32Array) => {
    const owner = groups![rows[0] ?? -1];
    return owner !== undefined && rows.every((row) => groups![row] === owner) ? groupNames![owner] : undefined;
  };
  const owners = groups === undefined || groupNames === undefined ? [] : dataset.partition.clients.map(ownerOf);
  const clientNames = owners.length > 0 && owners.every((owner) => owner !== undefined) ? owners : undefined;
  const features = table && { featureNames: featureNames(table) };
  return { ...(classNames && { classNames }), ...(clientNames && { clientNames }), ...features };
}
