import type { Vector } from "../params/index.ts";

/** Down: what the cohort trains on. */
export interface Broadcast {
  /** 1-based. */
  readonly round: number;
  readonly vectors: Readonly<Record<string, Vector>>;
  /** Payloads of vectors that travel compressed: bytes in place of elements. */
  readonly encoded?: Readonly<Record<string, Uint8Array>>;
  /** Any float64, NaN and infinities included. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The part of an update that is no secret and that no stage may change. */
export interface PublicMetadata {
  /** Training examples of the client. */
  readonly examples: number;
  /** Local steps taken. */
  readonly steps: number;
  /** Weight of the update in a weighted mean, at least 0. */
  readonly weight: number;
  /** Mean training loss of this round; NaN or infinite where training diverged. */
  readonly loss: number;
  /** Time the client trained, where it was measured. */
  readonly seconds?: number;
  /** Which part of the method's payloads the vectors hold, where clients send only parts. */
  readonly part?: number;
}

/** Up: what a client sends. */
export interface Update {
  readonly round: number;
  readonly client: number;
  /** Hash of the model's layout; the server refuses others. */
  readonly layoutHash: string;
  /** Privacy-sensitive: derived from the client's data. Stages clip, noise and mask these and nothing else. */
  readonly vectors: Readonly<Record<string, Vector>>;
  /** Payloads of vectors that travel compressed: bytes in place of elements. */
  readonly encoded?: Readonly<Record<string, Uint8Array>>;
  readonly public: PublicMetadata;
}
