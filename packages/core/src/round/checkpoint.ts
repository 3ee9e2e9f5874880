import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../params/index.ts";
import { checkpointContents, checkpointFrom } from "./checkpoint-contents.ts";
import type { ClientStates } from "./client-state.ts";
import type { Trouble } from "./divergence.ts";
import { decodeSealed, encodeSealed } from "./sealed.ts";

const FILE = { kind: "checkpoint", version: "1" };

/** Sums and marks over the rounds so far. */
export interface RunTotals {
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
  /** Best test accuracy; `round` 0 where nothing was evaluated. `stale`: evaluations since then. */
  readonly best: { readonly round: number; readonly accuracy: number; readonly stale: number };
  /** The newest evaluation; null for numbers that were not finite. */
  readonly last?: { readonly loss: number | null; readonly accuracy: number | null };
  /** What is wrong after the newest round. */
  readonly trouble?: Trouble | undefined;
}

/** Everything a run needs to go on after `round`, bit for bit. */
export interface Checkpoint {
  /** Version of the file format. */
  readonly version: 1;
  /** Version of Anabranch that wrote it; another one may train other bits. */
  readonly packageVersion: string;
  readonly configHash: string;
  readonly dataHash: string;
  /** Name, version and fingerprint of what computed; another one gives other last bits. */
  readonly executor: string;
  /** The last finished round, 1-based; 0 before the first. */
  readonly round: number;
  readonly algorithm: string;
  readonly layoutHash: string;
  readonly serverState: {
    readonly vectors: Readonly<Record<string, Vector>>;
    readonly scalars: Readonly<Record<string, number>>;
  };
  readonly clientStates: ClientStates;
  readonly totals: RunTotals;
  /** The generator is counter-based: seed and round are its position. */
  readonly generator: { readonly seed: number };
}

/** One file: sealed safetensors. Numbers come back exactly, NaN and infinities included. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { tensors, body } = checkpointContents(checkpoint);
  return encodeSealed(FILE, tensors, { body: JSON.stringify(body) });
}

/** Reads a checkpoint; its seal detects damage, not tampering. Throws `checkpoint/truncated`, `checkpoint/corrupt` or `checkpoint/version`. */
export function decodeCheckpoint(bytes: Uint8Array, where: string): Checkpoint {
  return checkpointFrom(decodeSealed(FILE, bytes, where), where);
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
