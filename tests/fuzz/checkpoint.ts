import type { Checkpoint } from "../../packages/core/src/round/checkpoint.ts";

/** A checkpoint with something in every part. */
export const checkpoint: Checkpoint = {
  version: 1,
  packageVersion: "0.1.0",
  configHash: "c0ffee",
  dataHash: "da7a",
  executor: "interpreter 1 f00d",
  round: 7,
  algorithm: "scaffold",
  layoutHash: "abcd",
  serverState: { vectors: { parameters: Float32Array.of(1, -0, 3) }, scalars: { t: 7, none: Number.NaN } },
  clientStates: { kind: "inline", states: [{ client: 12, vectors: { variate: Float32Array.of(4) } }] },
  totals: { bytesDown: 2, bytesUp: 3, seconds: 0.1, best: { round: 5, score: 0.7, stale: 2 } },
  generator: { seed: 1 },
};
