import { AnabranchError } from "@anabranch/engine";
import type { BlobStore } from "./blob-store.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

const FOLDER = "checkpoints/";

/** The blob of a round's checkpoint; names sort by round. */
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
