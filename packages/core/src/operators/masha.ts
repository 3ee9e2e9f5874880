import { AnabranchError } from "@anabranch/engine";
import { drawEntries, feedBack, keepEntries, keepLargest, placeEntries } from "../compression/index.ts";
import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import { type DeviceOperator, evaluateOperators, meanVector } from "./device-operator.ts";

export interface MashaOptions {
  /** 1: devices send k drawn entries times d / k. 2: devices and server send their k largest, with error feedback. */
  readonly variant: 1 | 2;
  /** Entries of a message; 1 - tau = k / d. */
  readonly k: number;
  /** gamma */
  readonly stepSize: number;
  readonly steps: number;
  /** Whether devices take a batch in each step; they take all their data where the snapshot moves. Default: no. */
  readonly batches?: boolean;
  /** p, above 0 and at most 1: the probability with which a device takes part in a step. Below 1 only in variant 1. */
  readonly participation?: number;
}

/** What is drawn in a step; both counted from 0. */
export interface MashaDraws {
  /** Of variant 1: the entries that a device sends, ascending. */
  indices(step: number, device: number): ArrayLike<number>;
  /** Whether the snapshot moves; the server draws it with probability k / d. */
  moves(step: number): boolean;
  /** Whether a device takes part in a step. Asked where participation is below 1. */
  joins(step: number, device: number): boolean;
}

/** After a step. */
export interface MashaStep {
  /** [d] */
  readonly z: Float64Array;
  /** The snapshot w, [d]. */
  readonly w: Float64Array;
  /** Whether all devices sent F_m(w) in full. */
  readonly moved: boolean;
}

/**
 * MASHA: an extragradient step whose second half is compressed, around a snapshot w whose F(w) all know. It solves
 * monotone F(z) = 0, for example games of two players, where compressed descent and ascent diverges.
 *   zh = tau z + (1 - tau) w - gamma F(w), tau = 1 - k / d
 *   1: q = mean Q_m(F_m(zh) - F_m(w)), z <- zh - gamma q
 *   2: c_m = C(gamma (F_m(zh) - F_m(w)) + e_m), g = C(mean c_m + e), both with their errors kept, z <- zh - g
 *   with probability 1 - tau: w <- z, and devices send F_m(w) in full
 *   with batches, F_m(zh) - F_m(w) is over one batch of the step, the same at both points
 *   where a device takes part with probability p, Q_m is 1 / p of what it sends, or 0
 * A. Beznosikov, P. Richtarik, M. Diskin, M. Ryabinin, A. Gasnikov, "Distributed Methods with Compressed Communication for
 * Solving Variational Inequalities, with Theoretical Guarantees", NeurIPS 2022, arXiv:2110.03313. There is no reference
 * code; the snapshot moves to the new z here.
 *
 * @example
 * ```ts
 * import { affineOperator, masha, mashaDraws, rootKey } from "@anabranch/core";
 * const game = affineOperator([[0.1, 1], [-1, 0.1]], [0, 0]);
 * const options = { variant: 2, k: 1, stepSize: 0.2, steps: 500 } as const;
 * const steps = masha([game], Float64Array.of(1, 1), options, mashaDraws(rootKey(1), 2, 1));
 * Math.hypot(...steps.at(-1)!.z) < 1e-3; // => true
 * ```
 */
export function masha(
  devices: readonly DeviceOperator[],
  start: Float64Array,
  { variant, k, stepSize, steps, batches = false, participation = 1 }: MashaOptions,
  draws: MashaDraws,
): MashaStep[] {
  checkParticipation(variant, participation);
  const d = start.length;
  const tau = 1 - k / d;
  const compress = keepLargest(k);
  const errors = devices.map(() => new Float64Array(d));
  let serverError = new Float64Array(d);
  let z = start;
  let snapshot = { w: start, ...evaluateOperators(devices, start) };
  return Array.from({ length: steps }, (_, step) => {
    const { w, parts, mean } = snapshot;
    const ahead = z.map((value, j) => tau * value + (1 - tau) * w[j]! - stepSize * mean[j]!);
    const changes = devices.map((device, m) => {
      const before = batches ? device(w, step) : parts[m]!;
      return device(ahead, batches ? step : undefined).map((value, j) => value - before[j]!);
    });
    const moved = variant === 1 ? drawn(changes, step) : largest(changes);
    z = ahead.map((value, j) => value - moved[j]!);
    const moves = draws.moves(step);
    if (moves) snapshot = { w: z, ...evaluateOperators(devices, z) };
    return { z, w: snapshot.w, moved: moves };
  });

  function drawn(changes: readonly Float64Array[], step: number): Float64Array {
    const received = changes.map((change, m) => {
      if (participation < 1 && !draws.joins(step, m)) return new Float64Array(d);
      const indices = draws.indices(step, m);
      const sent = keepEntries(change, indices, true);
      return placeEntries(
        sent.map((value) => value / participation),
        indices,
        new Float64Array(d),
      );
    });
    return meanVector(received).map((value) => stepSize * value);
  }

  function largest(changes: readonly Float64Array[]): Float64Array {
    const sent = changes.map((change, m) => {
      const wanted = change.map((value) => stepSize * value);
      const fed = feedBack("ef14", compress, wanted, errors[m]!);
      errors[m] = Float64Array.from(fed.state);
      return fed.sent;
    });
    const fed = feedBack("ef14", compress, meanVector(sent), serverError);
    serverError = Float64Array.from(fed.state);
    return fed.sent;
  }
}

function checkParticipation(variant: 1 | 2, participation: number): void {
  const legal = participation === 1 || (variant === 1 && participation > 0 && participation < 1);
  if (legal) return;
  throw new AnabranchError({
    code: "operators/participation",
    message: `Devices cannot take part in MASHA${variant} with probability ${participation}`,
    advice: "Give a number above 0 and at most 1. Variant 2 needs 1, as its errors are those of all devices.",
  });
}

/**
 * Draws for a problem of d numbers, from a key.
 *
 * @param participation p
 * @example
 * ```ts
 * import { mashaDraws, rootKey } from "@anabranch/core";
 * mashaDraws(rootKey(1), 8, 8).moves(0); // => true
 * ```
 */
export function mashaDraws(key: RandomKey, d: number, k: number, participation = 1): MashaDraws {
  return {
    indices: (step, device) => drawEntries(k, d, { stream: randomStream(deriveKey(key, "entries", step, device)) }),
    moves: (step) => randomStream(deriveKey(key, "snapshot", step)).float() < k / d,
    joins: (step, device) => randomStream(deriveKey(key, "joins", step, device)).float() < participation,
  };
}
