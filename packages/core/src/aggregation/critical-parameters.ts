import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { fold } from "./fold.ts";

/** What clients have trained in a round, and how their critical parameters are to be shared. */
export interface CriticalRound {
  /** The global model before the round, [d]. */
  readonly global: Vector;
  /** The model that each client began with, [d]. */
  readonly starts: readonly Vector[];
  /** What each has trained, [d]. */
  readonly trained: readonly Vector[];
  readonly weights: readonly number[];
  readonly layout: Layout;
  /** Share of each tensor that is critical (tau). */
  readonly fraction: number;
  /** Rounds until critical parameters are private. */
  readonly beta: number;
  /** From 0. */
  readonly round: number;
}

/** The result for every client. */
export interface CriticalMix {
  /** 1 for critical values, [d]. */
  readonly masks: readonly Uint8Array[];
  readonly overlaps: readonly (readonly number[])[];
  readonly threshold: number;
  /** Clients whose critical values each one shares, ascending. */
  readonly collaborators: readonly (readonly number[])[];
  readonly global: Vector;
  /** Mean of the models of the collaborators. */
  readonly customised: readonly Vector[];
  readonly nextStarts: readonly Vector[];
}

/** Equality of reals is the rule where only pairs at the maximum qualify. */
const SLACK = 1e-12;

/**
 * The server of FedCAC: values that training has moved most are shared with clients of similar masks, all others with
 * everyone. X. Wu et al., "Bold but Cautious", ICCV 2023, arXiv:2309.11103.
 *
 *   c = |(w_i - s_i) w_i|, critical: the floor(tau size) largest of each tensor;  O_ij = 1 - |M_i - M_j| / (2 |M_i|)
 *   C_i: O_ij >= mean + (t + 1) / beta (max - mean);  s_i <- M_i mean_{C_i} w + (1 - M_i) sum_j p_j w_j
 *
 * @example
 * ```ts
 * import { layout, mixCritical } from "@anabranch/core";
 * const one = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
 * const zero = Float64Array.of(0, 0);
 * const trained = [Float64Array.of(2, 1), Float64Array.of(4, 1), Float64Array.of(3, 4)];
 * const models = { global: zero, starts: [zero, zero, zero], trained, weights: [1, 1, 1], layout: one };
 * const { nextStarts } = mixCritical({ ...models, fraction: 0.5, beta: 1, round: 0 });
 * nextStarts; // => [[3, 2], [3, 2], [3, 4]]
 * ```
 */
export function mixCritical(given: CriticalRound): CriticalMix {
  const { starts, trained, weights, layout, fraction, beta, round } = given;
  const masks = trained.map((model, i) => criticalMask(starts[i]!, model, layout, fraction));
  const overlaps = masks.map((mask, i) => masks.map((other, j) => (i === j ? 1 : overlapOf(mask, other))));
  const threshold = thresholdAt(overlaps, (round + 1) / beta);
  const collaborators = overlaps.map((row, i) =>
    [...row.keys()].filter((j) => j === i || row[j]! >= threshold - SLACK),
  );
  const global = weightedModel(given.global, trained, weights);
  const customised = collaborators.map((clients) => {
    const mean = fold("uniformMean", layout.size);
    for (const client of clients) mean.add(trained[client]!, 1);
    return mean.result(zerosLike(global));
  });
  const nextStarts = masks.map((mask, i) => global.map((value, k) => (mask[k] === 1 ? customised[i]![k]! : value)));
  return { masks, overlaps, threshold, collaborators, global, customised, nextStarts: nextStarts as Vector[] };
}

/** The mean of models, as the old one and the mean of what was added to it: FedAvg's bits where all began with that. */
function weightedModel(before: Vector, trained: readonly Vector[], weights: readonly number[]): Vector {
  const mean = fold("weightedMean", before.length);
  for (const [i, model] of trained.entries())
    mean.add(model.map((value, k) => value - before[k]!) as Vector, weights[i]!);
  const change = mean.result(zerosLike(before));
  return before.map((value, k) => value + change[k]!) as Vector;
}

/** The floor(fraction size) most sensitive values of each tensor, ties included; none where training has moved nothing. */
function criticalMask(start: Vector, trained: Vector, { entries }: Layout, fraction: number): Uint8Array {
  const mask = new Uint8Array(trained.length);
  for (const { offset, size } of entries) {
    const count = Math.floor(fraction * size + SLACK);
    if (count < 1) continue;
    const sensitivity = Float64Array.from({ length: size }, (_, k) => {
      const value = trained[offset + k]!;
      return Math.abs((value - start[offset + k]!) * value);
    });
    const least = leastCritical(sensitivity, count);
    for (const [k, value] of sensitivity.entries()) if (value >= least) mask[offset + k] = 1;
  }
  return mask;
}

function leastCritical(sensitivity: Float64Array, count: number): number {
  const ascending = Float64Array.from(sensitivity).sort();
  const least = ascending[ascending.length - count]!;
  if (least > 1e-10) return least;
  return ascending.find((value) => value > 1e-20) ?? Number.POSITIVE_INFINITY;
}

/** 1: the same values are critical; 0: no common one, or none at all. */
function overlapOf(mask: Uint8Array, other: Uint8Array): number {
  let [size, otherSize, different] = [0, 0, 0];
  for (let k = 0; k < mask.length; k++) {
    size += mask[k]!;
    otherSize += other[k]!;
    if (mask[k] !== other[k]) different++;
  }
  return size === 0 || otherSize === 0 ? 0 : 1 - different / (2 * size);
}

/** From the mean of all pairs to their maximum, and beyond it. */
function thresholdAt(overlaps: readonly (readonly number[])[], share: number): number {
  const pairs = overlaps.flatMap((row, i) => row.filter((_, j) => j !== i));
  if (pairs.length === 0) return 0;
  const mean = pairs.reduce((a, b) => a + b, 0) / pairs.length;
  const most = pairs.reduce((a, b) => Math.max(a, b), 0);
  return mean + share * (most - mean);
}
