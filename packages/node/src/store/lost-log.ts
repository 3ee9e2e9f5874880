import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  AnabranchError,
  type Checkpoint,
  type Config,
  failsForTrouble,
  newestCheckpoint,
  parseConfig,
  stopsForTrouble,
} from "@anabranch/core";
import { diskFileSystem, hasCode } from "./file-system.ts";
import type { RunFolder } from "./run-folder.ts";
import type { RunStatus, RunSummary } from "./run-summary.ts";

/**
 * What a run's folder tells where its event log is lost: the configuration, and the newest checkpoint with its totals.
 * Undefined where there is no configuration. A run that its privacy budget has stopped is taken as interrupted; resuming
 * it tells, and writes a log again.
 */
export async function summaryWithoutLog(run: RunFolder): Promise<RunSummary | undefined> {
  const config = await readConfig(run);
  if (config === undefined) return undefined;
  const checkpoint = await readCheckpoint(run);
  const { model, algorithm, data } = config;
  const totals = checkpoint?.totals;
  const best = totals?.best;
  const status = statusOf(config, checkpoint);
  return {
    id: run.id,
    folder: run.folder,
    name: config.name,
    algorithm: algorithm.file ?? algorithm.name,
    dataset: data.file ?? data.dataset,
    model: model.file ?? model.name,
    status,
    reason: status === "diverged" || status === "failed" ? (totals?.trouble?.message ?? null) : null,
    roundsDone: checkpoint?.round ?? 0,
    roundsTotal: config.rounds,
    finalAccuracy: totals?.last?.accuracy ?? null,
    bestAccuracy: best === undefined || best.round === 0 ? null : best.accuracy,
    bytesDown: totals?.bytesDown ?? 0,
    bytesUp: totals?.bytesUp ?? 0,
    seconds: totals?.seconds ?? 0,
    seed: config.seed,
    startedAt: await timeOf(run.paths.config),
    updatedAt: await timeOf(checkpoint === undefined ? run.paths.config : run.paths.checkpoints),
  };
}

function statusOf({ rounds, stop }: Config, checkpoint: Checkpoint | undefined): RunStatus {
  if (checkpoint === undefined) return "interrupted";
  const { best, last, trouble } = checkpoint.totals;
  const failed = trouble?.reason === "diverged" ? "diverged" : "failed";
  if (stopsForTrouble(trouble)) return failed;
  const reached = stop.targetAccuracy !== undefined && (last?.accuracy ?? 0) >= stop.targetAccuracy;
  const stale = stop.patience > 0 && best.stale >= stop.patience;
  const over = stale || checkpoint.round >= rounds;
  if (!reached && over && failsForTrouble(trouble, checkpoint.round)) return failed;
  if (checkpoint.round >= rounds) return "finished";
  return reached || stale ? "stopped" : "interrupted";
}

async function readConfig({ paths }: RunFolder): Promise<Config | undefined> {
  try {
    return parseConfig(await readFile(paths.config, "utf8"), paths.config);
  } catch (error) {
    if (error instanceof AnabranchError || hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Undefined where there is none that can be read. Nothing is written, as another process may be writing the run. */
async function readCheckpoint({ folder }: RunFolder): Promise<Checkpoint | undefined> {
  const blobs = {
    get: (name: string) => diskFileSystem.read(join(folder, name)),
    list: async (prefix: string) => (await diskFileSystem.list(join(folder, prefix))).map((name) => prefix + name),
  };
  try {
    return (await newestCheckpoint(blobs))?.checkpoint;
  } catch (error) {
    if (error instanceof AnabranchError) return undefined;
    throw error;
  }
}

/** When a file was changed last; of a configuration, which is written once, when the run began. */
async function timeOf(path: string): Promise<string> {
  return (await stat(path)).mtime.toISOString();
}
