import { lstat } from "node:fs/promises";
import { join } from "node:path";
import {
  AnabranchError,
  type Checkpoint,
  type Config,
  failsForTrouble,
  newestCheckpoint,
  parseConfig,
  type RunStatus,
  stopsForTrouble,
} from "@anabranch/core";
import { readBlobs } from "./disk-blob-store.ts";
import { largestConfig, type RunFolder } from "./run-folder.ts";
import type { RunSummary } from "./run-summary-types.ts";

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
    // without an accuracy at last the score is that of a loss
    bestAccuracy: best === undefined || best.round === 0 || totals?.last?.accuracy === null ? null : best.score,
    // checkpoints have no errors
    finalRmse: null,
    finalR2: null,
    bytesDown: totals?.bytesDown ?? 0,
    bytesUp: totals?.bytesUp ?? 0,
    seconds: totals?.seconds ?? 0,
    seed: config.seed,
    startedAt: await timeOf(run.paths.config),
    updatedAt: await timeOf(checkpoint === undefined ? run.paths.config : run.paths.checkpoints),
  };
}

/** Names sort by round. */
const checkpointsTried = 3;

/** Bytes of a checkpoint that is read for a look: one of 40 million parameters and two vectors of the server's. */
const largestCheckpoint = 2 ** 29;

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

async function readConfig({ paths, files }: RunFolder): Promise<Config | undefined> {
  const bytes = await files.read(paths.config, largestConfig);
  if (bytes === undefined) return undefined;
  try {
    return parseConfig(Buffer.from(bytes).toString("utf8"), paths.config);
  } catch (error) {
    if (error instanceof AnabranchError) return undefined;
    throw error;
  }
}

/** Undefined where there is none that can be read. Nothing is written, as another process may be writing the run. */
async function readCheckpoint({ folder, files }: RunFolder): Promise<Checkpoint | undefined> {
  const blobs = readBlobs(folder, files);
  // of checkpoints that are all damaged not every one is tried for a look
  const newest = async (prefix: string) => (await blobs.list(prefix)).slice(-checkpointsTried);
  // one that is too large is passed over, as damaged ones are
  const get = (name: string) =>
    files.read(join(folder, name), largestCheckpoint).catch((error: unknown) => {
      if (error instanceof AnabranchError && error.code === "store/too-large") return undefined;
      throw error;
    });
  try {
    return (await newestCheckpoint({ get, list: newest }))?.checkpoint;
  } catch (error) {
    if (error instanceof AnabranchError) return undefined;
    throw error;
  }
}

/** When a file was changed last; of a configuration, which is written once, when the run began. */
async function timeOf(path: string): Promise<string> {
  return (await lstat(path)).mtime.toISOString();
}
