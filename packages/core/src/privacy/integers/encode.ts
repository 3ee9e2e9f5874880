import { AnabranchError } from "@anabranch/engine";
import { norm2, type Vector } from "../../params/index.ts";
import type { RandomKey, RandomStream } from "../../random/index.ts";
import { discreteGaussianSampler } from "../mechanisms/discrete-gaussian-sampler.ts";
import { skellamSampler } from "../mechanisms/skellam.ts";
import { roundConditionally, roundedNorm } from "./conditional-rounding.ts";
import { checkMechanism, type DiscreteMechanism } from "./discrete-mechanism.ts";
import { paddedSize, rotate, rotateBack } from "./rotation.ts";

export interface EncodingRandomness {
  /** Public, and the same for all clients of a round. */
  readonly rotation: RandomKey;
  /** Of this client and round alone. */
  readonly rounding: RandomStream;
  /** Of this client and round alone; whoever knows it can take the client's noise away. */
  readonly noise: RandomStream;
}

/**
 * A client's part (arXiv:2102.06387, Algorithm 1): clip, scale to the grid, rotate, round, add the share of noise, take the
 * remainder modulo m. Clipping is for a vector that rounding in 32 bits left a hair beyond the norm: it should be within.
 *
 * @param vector [size]; not changed
 * @param clipNorm C of the round, at least 1e-100
 * @returns [paddedSize(size)] whole numbers in [0, m)
 * @throws `privacy/not-finite`, `privacy/size`, `privacy/clip-norm`, `privacy/rounding`
 *
 * @example
 * ```ts
 * import { discreteMechanism, encodeNoisedUpdate, paddedSize, randomStream, rootKey } from "@anabranch/core";
 * const demand = { size: 3, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 2, cohort: 2 };
 * const mechanism = discreteMechanism({ distribution: "discrete-gaussian", ...demand });
 * const [rounding, noise] = [randomStream(rootKey(2)), randomStream(rootKey(3))];
 * const randomness = { rotation: rootKey(1), rounding, noise };
 * const integers = encodeNoisedUpdate(Float32Array.of(0.1, 0, 0.2), 1, mechanism, randomness);
 * integers.length === paddedSize(3); // => true
 * ```
 */
export function encodeNoisedUpdate(
  vector: Vector,
  clipNorm: number,
  mechanism: DiscreteMechanism,
  { rotation, rounding, noise }: EncodingRandomness,
): Float64Array {
  const { size, modulus, granularity, bias } = checkMechanism(mechanism);
  requireSize("an update", vector.length, size);
  requireClipNorm(clipNorm);
  const norm = norm2(vector);
  if (!Number.isFinite(norm)) throw notFinite(norm);
  const grid = new Float64Array(size);
  const scale = (norm > clipNorm ? 1 / norm : 1 / clipNorm) / granularity;
  for (let i = 0; i < size; i++) grid[i] = vector[i]! * scale;
  const rotated = rotate(grid, rotation);
  const bound = roundedNorm(1 / granularity, rotated.length, bias);
  const whole = roundConditionally(rotated, bound, rounding);
  const draw = shareOf(mechanism);
  for (let i = 0; i < whole.length; i++) whole[i] = remainder(whole[i]! + draw(noise), modulus);
  return whole;
}

/**
 * The server's part: remainders are taken as of [-m/2, m/2), scaled back and rotated back. What it returns is the sum of
 * the clients' vectors with their noise and rounding errors, if no coordinate wrapped around.
 *
 * @param sum [paddedSize(size)] sums modulo m, each in [0, m)
 * @param out [size]; overwritten
 * @throws `privacy/size`, `privacy/clip-norm`
 *
 * @example
 * ```ts
 * import { decodeSum, discreteMechanism, encodeNoisedUpdate, randomStream, rootKey } from "@anabranch/core";
 * const demand = { size: 2, modulus: 2 ** 24, noiseMultiplier: 0.001, survivors: 1, cohort: 1 };
 * const mechanism = discreteMechanism({ distribution: "discrete-gaussian", ...demand });
 * const [rounding, noise] = [randomStream(rootKey(2)), randomStream(rootKey(3))];
 * const randomness = { rotation: rootKey(1), rounding, noise };
 * const sum = Uint32Array.from(encodeNoisedUpdate(Float32Array.of(0.3, 0.4), 1, mechanism, randomness));
 * const decoded = new Float64Array(2);
 * decodeSum(sum, 1, mechanism, rootKey(1), decoded);
 * [...decoded].map((value) => value.toFixed(2)); // => ["0.30", "0.40"]
 * ```
 */
export function decodeSum(
  sum: Uint32Array,
  clipNorm: number,
  mechanism: DiscreteMechanism,
  rotation: RandomKey,
  out: Vector,
): void {
  const { size, modulus, granularity } = checkMechanism(mechanism);
  requireSize("a sum", sum.length, paddedSize(size));
  requireSize("a decoded sum", out.length, size);
  requireClipNorm(clipNorm);
  const step = granularity * clipNorm;
  const centred = Float64Array.from(sum, (value) => step * (value >= modulus / 2 ? value - modulus : value));
  rotateBack(centred, rotation);
  out.set(centred.subarray(0, size));
}

/** Draws of one client's share of noise, in steps of the grid. */
function shareOf({ distribution, variance }: DiscreteMechanism): (stream: RandomStream) => number {
  return distribution === "skellam" ? skellamSampler(variance) : discreteGaussianSampler(variance);
}

function remainder(value: number, modulus: number): number {
  const rest = value % modulus;
  return rest < 0 ? rest + modulus : rest + 0;
}

function requireSize(what: string, length: number, size: number): void {
  if (length === size) return;
  throw new AnabranchError({
    code: "privacy/size",
    message: `${what} has the wrong length for its mechanism`,
    received: `${length} values`,
    expected: `${size} values`,
  });
}

/** Squares of smaller lengths are 0 in float64, so that no norm could be compared with it. */
const LEAST_CLIP_NORM = 1e-100;

function requireClipNorm(clipNorm: number): void {
  if (Number.isFinite(clipNorm) && clipNorm >= LEAST_CLIP_NORM) return;
  throw new AnabranchError({
    code: "privacy/clip-norm",
    message: "a clip norm is impossible",
    received: String(clipNorm),
    expected: `a finite number of at least ${LEAST_CLIP_NORM}`,
  });
}

function notFinite(norm: number): AnabranchError {
  return new AnabranchError({
    code: "privacy/not-finite",
    message: "an update that is not finite cannot be encoded",
    received: `norm ${norm}`,
    expected: "a finite norm",
    advice: "Lower training.learningRate, or set training.gradientClip.",
  });
}
