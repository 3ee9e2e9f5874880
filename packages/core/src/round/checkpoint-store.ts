import { AnabranchError } from "@anabranch/engine";
import type { ServerState } from "../algorithms/algorithm.ts";
import type { ScheduleState } from "../schedule/index.ts";
import type { SelectionMemory } from "../selection/feedback.ts";
import { VERSION } from "../version.ts";
import type { BlobStore } from "./blob-store.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type RunTotals,
  type UnfinishedWork,
} from "./checkpoint.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";
import { servedModel } from "./served-model.ts";
import { deleteVersions, listWork, noWork, saveVersions, type Work } from "./work.ts";

/** Where a run stands: what a checkpoint holds. */
export interface RunState {
  server: ServerState;
  /** Last finished round. */
  round: number;
  /** Round of the newest checkpoint. */
  savedRound: number;
  totals: RunTotals;
  schedule: ScheduleState;
  /** What a sampler with feedback remembers. */
  selection: SelectionMemory;
  /** Instant of the newest event, in microseconds. */
  time: number;
  readonly work: Work;
}

/** Where a run continues, with the orders that are to be given out again. */
export interface RestoredRun {
  readonly state: RunState;
  readonly outstanding: UnfinishedWork["outstanding"];
}

/**
 * Name of the blob with the parameters of the best evaluation.
 *
 * @example
 * ```ts
 * import { BEST_CHECKPOINT } from "@anabranch/core";
 * BEST_CHECKPOINT; // => "checkpoints/best.safetensors"
 * ```
 */
export const BEST_CHECKPOINT = "checkpoints/best.safetensors";

/**
 * The newest checkpoint that is whole, undefined for a run that has none. Throws what `newestCheckpoint` and
 * `requireResumable` throw: a checkpoint of another run is refused before anything is changed.
 *
 * @example
 * ```ts
 * import { fedavg, inProcessSimulation, memoryBlobStore, memoryClientStates, resumePoint } from "@anabranch/core";
 * import { prepareQuadratics, runFederation } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
 * const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
 * const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
 * const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
 * await runFederation({ ...plan, rounds: 1 }, { backend, evaluator, ...stores, emit: () => {} });
 * (await resumePoint(plan, stores.checkpoints))?.checkpoint.round; // => 1
 * ```
 */
export async function resumePoint(plan: RunPlan, checkpoints: BlobStore): Promise<FoundCheckpoint | undefined> {
  const found = await newestCheckpoint(checkpoints);
  if (found !== undefined) requireResumable(found.checkpoint, identity(plan), found.name);
  return found;
}

/** Where the run goes on: after its newest checkpoint, or at the start. */
export async function restoreRun(plan: RunPlan, ports: RunPorts): Promise<RestoredRun> {
  const found = await resumePoint(plan, ports.checkpoints);
  if (found === undefined) {
    const best = { round: 0, score: 0, stale: 0 };
    const totals = { bytesDown: 0, bytesUp: 0, seconds: 0, best };
    const server = plan.algorithm.init(plan.initial, plan.layout);
    const begin = { server, round: 0, savedRound: 0, totals, schedule: plan.schedule.initial, selection: {}, time: 0 };
    return { state: { ...begin, work: noWork() }, outstanding: [] };
  }
  const { checkpoint, skipped } = found;
  for (const { code, message } of skipped) {
    await ports.emit({ v: 1, type: "run.warning", at: new Date().toISOString(), code, message });
  }
  await warnOfExecutor(checkpoint.executor, plan, ports);
  await ports.clientStates.restore(checkpoint.clientStates, checkpoint.round);
  const server = checkpoint.serverState as ServerState;
  const { round, totals, work } = checkpoint;
  const { schedule = plan.schedule.initial, selection = {}, time = 0, outstanding = [] } = work ?? {};
  return {
    state: { server, round, savedRound: round, totals, schedule, selection, time, work: noWork() },
    outstanding,
  };
}

/** Writes the checkpoint of the current round, then lets go of client states that only older checkpoints needed. */
export async function saveCheckpoint(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  const { round, work } = state;
  await saveVersions(ports.checkpoints, round, work);
  const checkpoint = { ...checkpointWithoutClients(plan, state), clientStates: await ports.clientStates.snapshot() };
  const { name, bytes, oldestKept } = await saveCheckpointFile(ports.checkpoints, checkpoint, plan.checkpointKeep);
  await ports.clientStates.commit(round, oldestKept);
  await deleteVersions(ports.checkpoints, oldestKept, work);
  state.savedRound = round;
  await ports.emit({ v: 1, type: "checkpoint.saved", at: new Date().toISOString(), round, file: name, bytes });
}

/** Keeps the parameters of the best evaluation so far; no run continues from this file. */
export async function saveBest(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  const parameters = servedModel(plan, state.server.vectors.parameters);
  const checkpoint = {
    ...checkpointWithoutClients(plan, state),
    serverState: { vectors: { parameters }, scalars: {} },
  };
  await ports.checkpoints.put(BEST_CHECKPOINT, encodeCheckpoint(checkpoint));
}

function checkpointWithoutClients(plan: RunPlan, state: RunState): Checkpoint {
  return {
    version: 1,
    ...identity(plan),
    executor: executorOf(plan),
    round: state.round,
    serverState: state.server,
    clientStates: { kind: "inline", states: [] },
    totals: state.totals,
    ...unfinished(state),
    generator: { seed: plan.seed },
  };
}

/** Nothing for schedules that begin every round anew. */
function unfinished({ time, schedule, selection, work }: RunState): Pick<Checkpoint, "work"> {
  const outstanding = listWork(work);
  const remembers = Object.keys(selection).length > 0;
  if (time === 0 && !remembers && Object.keys(schedule).length === 0 && outstanding.length === 0) return {};
  return { work: { time, schedule, outstanding, ...(remembers ? { selection } : {}) } };
}

/** Resuming elsewhere is allowed, but the result is then not the one that an uninterrupted run would have given. */
async function warnOfExecutor(before: string, plan: RunPlan, ports: RunPorts): Promise<void> {
  const now = executorOf(plan);
  if (now === before) return;
  const message = `The run was computed by ${before} and continues with ${now}: expect results that differ in the last bits.`;
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

/** What a run demands of a checkpoint it continues from. */
export type CheckpointIdentity = Pick<
  Checkpoint,
  "packageVersion" | "configHash" | "dataHash" | "algorithm" | "layoutHash"
>;

/**
 * Refuses a checkpoint of another run. Throws `checkpoint/version` (another version of Anabranch), `checkpoint/algorithm`,
 * `checkpoint/layout`, `checkpoint/config` or `checkpoint/data`.
 */
export function requireResumable(checkpoint: Checkpoint, expected: CheckpointIdentity, where: string): void {
  const startAnew = "Resume with the configuration in the run's own folder, or start a new run.";
  const checks: [keyof CheckpointIdentity, string, string, string][] = [
    [
      "packageVersion",
      "checkpoint/version",
      "the checkpoint was written by another version of Anabranch",
      "Resume with that version: another one may train other bits.",
    ],
    ["algorithm", "checkpoint/algorithm", "the checkpoint belongs to another algorithm", startAnew],
    ["layoutHash", "checkpoint/layout", "the checkpoint belongs to another model", startAnew],
    ["configHash", "checkpoint/config", "the configuration has changed since the checkpoint", startAnew],
    [
      "dataHash",
      "checkpoint/data",
      "the data have changed since the checkpoint",
      "Put the data set's files back as they were, or start a new run.",
    ],
  ];
  for (const [key, code, message, advice] of checks) {
    if (checkpoint[key] === expected[key]) continue;
    throw new AnabranchError({ code, message, where, received: checkpoint[key], expected: expected[key], advice });
  }
}

const FOLDER = "checkpoints/";

/**
 * The blob of a round's checkpoint; names sort by round.
 *
 * @example
 * ```ts
 * import { checkpointName } from "@anabranch/core";
 * checkpointName(12); // => "checkpoints/round-00000012.safetensors"
 * ```
 */
export function checkpointName(round: number): string {
  return `${FOLDER}round-${String(round).padStart(8, "0")}.safetensors`;
}

/** A checkpoint that is durable. */
export interface SavedCheckpoint {
  readonly name: string;
  readonly bytes: number;
  /** Round of the oldest checkpoint that is left; what only older ones needed may go. */
  readonly oldestKept: number;
}

/** Stores a checkpoint, then deletes all but the `keep` newest up to its round (at least itself). */
export async function saveCheckpointFile(
  blobs: BlobStore,
  checkpoint: Checkpoint,
  keep: number,
): Promise<SavedCheckpoint> {
  const name = checkpointName(checkpoint.round);
  const bytes = encodeCheckpoint(checkpoint);
  await blobs.put(name, bytes);
  // A later round's file can only be damaged (this run continued from before it); it is replaced when its round comes.
  const upToHere = (await checkpointRounds(blobs)).filter((round) => round <= checkpoint.round);
  const kept = upToHere.slice(-Math.max(1, keep));
  for (const round of upToHere.slice(0, -kept.length)) await blobs.delete(checkpointName(round));
  return { name, bytes: bytes.length, oldestKept: kept[0]! };
}

/** What there is to continue from. */
export interface FoundCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly name: string;
  /** Newer files that could not be read, for a warning. */
  readonly skipped: readonly AnabranchError[];
}

/**
 * The newest checkpoint that can be read, or undefined where there is none. Damaged files are skipped; throws the newest
 * one's error when all are damaged, and `checkpoint/version` at once, since an older file would be no better.
 *
 * @example
 * ```ts
 * import { memoryBlobStore, newestCheckpoint } from "@anabranch/core";
 * await newestCheckpoint(memoryBlobStore()); // => undefined
 * ```
 */
export async function newestCheckpoint(blobs: Pick<BlobStore, "get" | "list">): Promise<FoundCheckpoint | undefined> {
  const skipped: AnabranchError[] = [];
  for (const round of (await checkpointRounds(blobs)).reverse()) {
    const name = checkpointName(round);
    const bytes = await blobs.get(name);
    if (bytes === undefined) continue;
    try {
      return { checkpoint: decodeCheckpoint(bytes, name), name, skipped };
    } catch (error) {
      if (!(error instanceof AnabranchError) || error.code === "checkpoint/version") throw error;
      skipped.push(error);
    }
  }
  if (skipped[0] !== undefined) throw noneReadable(skipped[0], skipped.length);
  return undefined;
}

/** Every checkpoint is damaged, so there is no earlier one to continue from. */
function noneReadable(newest: AnabranchError, count: number): AnabranchError {
  const which = count === 1 ? "It is the run's only checkpoint" : `None of the run's ${count} checkpoints can be read`;
  return new AnabranchError({
    ...newest.failure,
    advice: `${which}: put one back from a copy, or start a new run with the configuration of this one.`,
    cause: newest,
  });
}

/** Rounds that have a checkpoint, ascending. */
async function checkpointRounds(blobs: Pick<BlobStore, "list">): Promise<number[]> {
  const names = await blobs.list(FOLDER);
  return names
    .map((name) => /^round-(\d+)\.safetensors$/.exec(name.slice(FOLDER.length))?.[1])
    .filter((round) => round !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}
