import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../../params/index.ts";
import { type RandomKey, type RandomStream, randomStream, secureStream } from "../../random/index.ts";
import type { RandomSource } from "./settings.ts";

/**
 * Random numbers for one release: of its key in a simulation, fresh from the system's secure generator in live runs. A seeded
 * stream protects nobody from those who know the seed; a run says which it uses.
 */
export function noiseStream({ kind }: RandomSource, key: RandomKey): RandomStream {
  return kind === "secure" ? secureStream() : randomStream(key);
}

/**
 * Path of the key of the noise that one release has in one vector; with the client where it is a client's own.
 *
 * @example
 * ```ts
 * import { noisePath } from "@anabranch/core";
 * noisePath(3, "delta"); // => ["privacy-noise", 3, "delta"]
 * ```
 */
export function noisePath(round: number, vector: string, ...client: readonly number[]): readonly (string | number)[] {
  return ["privacy-noise", round, vector, ...client];
}

/**
 * Adds N(0, deviation^2) to every coordinate, in place. The noise is a double of 53 random bits: whoever sees the sum to
 * the last bit learns a little more than a real Gaussian tells (I. Mironov, CCS 2012); samplers of whole numbers do not
 * have that gap. Throws `privacy/deviation`.
 *
 * @example
 * ```ts
 * import { addGaussian, norm2, randomStream, rootKey } from "@anabranch/core";
 * const vector = new Float64Array(1000);
 * addGaussian(vector, 2, randomStream(rootKey(1)));
 * Math.abs(norm2(vector) / Math.sqrt(1000) - 2) < 0.2; // => true
 * ```
 */
export function addGaussian(vector: Vector, deviation: number, stream: RandomStream): void {
  if (!(deviation >= 0 && deviation < Number.POSITIVE_INFINITY)) {
    throw new AnabranchError({
      code: "privacy/deviation",
      message: "noise has an impossible standard deviation",
      received: String(deviation),
      expected: "a finite number of at least 0",
    });
  }
  if (deviation === 0) return;
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! + deviation * stream.normal();
}
