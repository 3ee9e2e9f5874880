import type { ServerState } from "../algorithms/algorithm.ts";
import { VERSION } from "../version.ts";
import type { BlobStore } from "./blob-store.ts";
import { type Checkpoint, encodeCheckpoint, type RunTotals, requireResumable } from "./checkpoint.ts";
import { type FoundCheckpoint, newestCheckpoint, saveCheckpointFile } from "./checkpoint-files.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

/** Where a run stands: what a checkpoint holds. */
export interface RunState {
  server: ServerState;
  /** Last finished round. */
  round: number;
  /** Round of the newest checkpoint. */
  savedRound: number;
  totals: RunTotals;
}

/** Name of the blob with the parameters of the best evaluation. */
export const BEST_CHECKPOINT = "checkpoints/best.safetensors";

/**
 * The newest checkpoint that is whole, undefined for a run that has none. Throws what `newestCheckpoint` and
 * `requireResumable` throw: a checkpoint of another run is refused before anything is changed.
 */
export async function resumePoint(plan: RunPlan, checkpoints: BlobStore): Promise<FoundCheckpoint | undefined> {
  const found = await newestCheckpoint(checkpoints);
  if (found !== undefined) requireResumable(found.checkpoint, identity(plan), found.name);
  return found;
}

/** Where the run goes on: after its newest checkpoint, or at the start. */
export async function restoreRun(plan: RunPlan, ports: RunPorts): Promise<RunState> {
  const found = await resumePoint(plan, ports.checkpoints);
  if (found === undefined) {
    const best = { round: 0, accuracy: 0, stale: 0 };
    const totals = { bytesDown: 0, bytesUp: 0, seconds: 0, best };
    return { server: plan.algorithm.init(plan.initial, plan.exchange), round: 0, savedRound: 0, totals };
  }
  const { checkpoint, skipped } = found;
  for (const { code, message } of skipped) {
    await ports.emit({ v: 1, type: "run.warning", at: new Date().toISOString(), code, message });
  }
  await warnOfExecutor(checkpoint.executor, plan, ports);
  await ports.clientStates.restore(checkpoint.clientStates, checkpoint.round);
  const server = checkpoint.serverState as ServerState;
  return { server, round: checkpoint.round, savedRound: checkpoint.round, totals: checkpoint.totals };
}

/** Writes the checkpoint of the current round, then lets go of client states that only older checkpoints needed. */
export async function saveCheckpoint(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  const { round } = state;
  const checkpoint = { ...bare(plan, state), clientStates: await ports.clientStates.snapshot() };
  const { name, bytes, oldestKept } = await saveCheckpointFile(ports.checkpoints, checkpoint, plan.checkpointKeep);
  await ports.clientStates.commit(round, oldestKept);
  state.savedRound = round;
  await ports.emit({ v: 1, type: "checkpoint.saved", at: new Date().toISOString(), round, file: name, bytes });
}

/** Keeps the parameters of the best evaluation so far; no run continues from this file. */
export async function saveBest(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  const { parameters } = state.server.vectors;
  const checkpoint = { ...bare(plan, state), serverState: { vectors: { parameters }, scalars: {} } };
  await ports.checkpoints.put(BEST_CHECKPOINT, encodeCheckpoint(checkpoint));
}

function bare(plan: RunPlan, state: RunState): Checkpoint {
  return {
    version: 1,
    ...identity(plan),
    executor: executorOf(plan),
    round: state.round,
    serverState: state.server,
    clientStates: { kind: "inline", states: [] },
    totals: state.totals,
    generator: { seed: plan.seed },
  };
}

/** Resuming elsewhere is allowed, but the result is then not the one that an uninterrupted run would have given. */
async function warnOfExecutor(before: string, plan: RunPlan, ports: RunPorts): Promise<void> {
  const now = executorOf(plan);
  if (now === before) return;
  const message = `The run was computed by ${before} so far and goes on with ${now}: other last bits are to be expected.`;
  await ports.emit({ v: 1, type: "run.warning", at: new Date().toISOString(), code: "checkpoint/executor", message });
}

function executorOf({ description: { executor } }: RunPlan): string {
  return [executor.name, executor.version, executor.fingerprint].join(" ");
}

function identity(plan: RunPlan) {
  return {
    packageVersion: VERSION,
    configHash: plan.configHash,
    dataHash: plan.dataHash,
    algorithm: plan.algorithm.name,
    layoutHash: plan.layout.hash,
  };
}
