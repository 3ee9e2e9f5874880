import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../../params/index.ts";
import { deriveKey, type RandomStream, randomStream, rootKey, secureStream } from "../../random/index.ts";
import type { MechanismSettings } from "./settings.ts";

/**
 * Random numbers for one release: keyed by (seed, round, path) in a simulation, fresh from the system's secure generator
 * in live runs. A seeded stream protects nobody from those who know the seed; a run says which it uses.
 */
export function noiseStream(
  source: MechanismSettings["source"],
  round: number,
  ...path: readonly (string | number)[]
): RandomStream {
  if (source.kind === "secure") return secureStream();
  return randomStream(deriveKey(rootKey(source.seed), "privacy-noise", round, ...path));
}

/**
 * Adds N(0, deviation^2) to every coordinate, in place. The noise is a double of 53 random bits: whoever sees the sum to
 * the last bit learns a little more than a real Gaussian tells (I. Mironov, CCS 2012); samplers of whole numbers do not
 * have that gap. Throws `privacy/deviation`.
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
