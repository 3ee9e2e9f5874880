import { fusionWeights, mixed, normalisedRows } from "../clustering/index.ts";
import { symmetricDivergences } from "../data/index.ts";

/** What a client's model says of a public set: softmax outputs, [examples][classes]. */
export type SoftLabels = readonly (readonly number[])[];

/** Knowledge of all clients, fused for each. */
export interface FusedKnowledge {
  /** Mean output of each client, [clients][classes]. */
  readonly priors: readonly (readonly number[])[];
  /** Symmetric KL divergence of the priors, in nats. */
  readonly divergence: readonly (readonly number[])[];
  /** Whose outputs a client learns from, rows summing to 1. */
  readonly weights: readonly (readonly number[])[];
  /** What each client learns, [clients][examples][classes]. */
  readonly fused: readonly SoftLabels[];
}

/**
 * KnFu's fusion: clients whose models expect similar classes learn from each other. A client's prior is the mean of its
 * outputs on a public set, so that no counts of its labels leave it. Sharpness 0 is the uniform mean of FedMD.
 *
 * S. J. Seyedmohammadi, S. M. Atapour, J. Abouei, A. Mohammadi, "KnFu: Effective Knowledge Fusion", 2024,
 * arXiv:2403.11892. A reconstruction: no code was found.
 *
 * @param outputs of each client on the same examples
 * @param sharpness beta; infinity leaves every client its own outputs
 * @example
 * ```ts
 * import { fuseKnowledge } from "@anabranch/core";
 * fuseKnowledge([[[1, 0]], [[0.5, 0.5]]], 0).fused[0]; // => [[0.75, 0.25]]
 * ```
 */
export function fuseKnowledge(outputs: readonly SoftLabels[], sharpness: number): FusedKnowledge {
  const priors = outputs.map(meanRow);
  const divergence = symmetricDivergences(priors);
  const weights = fusionWeights(divergence, sharpness);
  const flat = outputs.map((rows) => Float64Array.from(rows.flat()));
  const classes = outputs[0]![0]!.length;
  const { data, size } = mixed(flat, normalisedRows(weights));
  const fused = outputs.map((rows, i) =>
    rows.map((_, k) => Array.from(data.subarray(i * size + k * classes, i * size + (k + 1) * classes))),
  );
  return { priors, divergence, weights, fused };
}

function meanRow(rows: SoftLabels): number[] {
  return rows[0]!.map((_, c) => rows.reduce((sum, row) => sum + row[c]!, 0) / rows.length);
}
