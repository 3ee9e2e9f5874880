import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";
import type { SelectionFeedback, SelectionMemory } from "./feedback.ts";

/** Picks the cohort of a round: client numbers in ascending order, which is the order of every sum. */
export interface Sampler {
  readonly name: string;
  /**
   * @param keyOf the key of each round of the run, whose draws are independent of all others
   * @param memory of samplers with feedback; absent: they know nothing yet
   */
  sample(round: number, keyOf: (round: number) => RandomKey, memory?: SelectionMemory): readonly number[];
  /** Bytes that clients exchange to agree on the cohort of a round; absent: none. `memory`: that of before the round. */
  agreementBytes?(round: number, memory?: SelectionMemory): number;
  /** Present where cohorts depend on what clients have reported. */
  readonly feedback?: SelectionFeedback;
}

/**
 * `cohort` clients drawn uniformly without replacement.
 *
 * @example
 * ```ts
 * import { deriveKey, rootKey, uniformSampler } from "@anabranch/core";
 * const sampler = uniformSampler(100, 3);
 * sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)); // => [12, 62, 72]
 * ```
 */
export function uniformSampler(clients: number, cohort: number): Sampler {
  return {
    name: "uniform",
    sample: (round, keyOf) =>
      Array.from(sampleWithoutReplacement(randomStream(keyOf(round)), clients, cohort)).sort((a, b) => a - b),
  };
}

/**
 * Every client takes part on its own with probability cohort / clients; a round may be empty. Amplification by sampling assumes this.
 *
 * @param rates of clients, relative to each other and repeated from the start: their probabilities are in these ratios, and
 * cohorts still have `cohort` clients on average. No epsilon is computed for them.
 * @throws RangeError where a client's probability would exceed 1
 * @example
 * ```ts
 * import { deriveKey, poissonSampler, rootKey } from "@anabranch/core";
 * const sampler = poissonSampler(100, 3); // cohorts vary in size around 3
 * sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)).length < 20; // => true
 * ```
 */
export function poissonSampler(clients: number, cohort: number, rates: readonly number[] = [1]): Sampler {
  const thresholds = participationRates(clients, cohort, rates).map(wholeWord);
  return {
    name: "poisson",
    sample(round, keyOf) {
      const stream = randomStream(keyOf(round));
      const chosen: number[] = [];
      for (let client = 0; client < clients; client++) if (stream.uint32() < thresholds[client]!) chosen.push(client);
      return chosen;
    },
  };
}

/** The probability of each client: in the ratios of `rates`, with sum `cohort`. */
export function participationRates(clients: number, cohort: number, rates: readonly number[]): Float64Array {
  const rateOf = (client: number) => rates[client % rates.length]!;
  let sum = 0;
  for (let client = 0; client < clients; client++) sum += rateOf(client);
  return Float64Array.from({ length: clients }, (_, client) => (cohort * rateOf(client)) / sum);
}

/** Down to a whole word: the rate that privacy is accounted for is an upper bound. */
function wholeWord(probability: number): number {
  if (probability > 1) throw new RangeError(`a client would take part with probability ${probability.toFixed(3)}`);
  return Math.floor(probability * 2 ** 32);
}

/**
 * Every client takes part in exactly one round of each block of `block` rounds, drawn uniformly and apart from all others
 * (random allocation, or balls and bins: L. Chua et al., 2024, arXiv:2412.16802). Cohorts vary in size around
 * clients / block. The rounds of a block are drawn with the key of its first one, so a resumed run draws the same.
 *
 * @example
 * ```ts
 * import { allocationSampler, deriveKey, rootKey } from "@anabranch/core";
 * const sampler = allocationSampler(6, 2); // each client once in every 2 rounds
 * const keyOf = (round: number) => deriveKey(rootKey(1), "cohort", round);
 * [...sampler.sample(1, keyOf), ...sampler.sample(2, keyOf)].sort(); // => [0, 1, 2, 3, 4, 5]
 * ```
 */
export function allocationSampler(clients: number, block: number): Sampler {
  return {
    name: "random-allocation",
    sample(round, keyOf) {
      const place = (round - 1) % block;
      const stream = randomStream(keyOf(round - place));
      const chosen: number[] = [];
      for (let client = 0; client < clients; client++) if (stream.below(block) === place) chosen.push(client);
      return chosen;
    },
  };
}

/**
 * A fixed list of cohorts, one a round, repeated from the start when it ends.
 *
 * @example
 * ```ts
 * import { rootKey, scriptedSampler } from "@anabranch/core";
 * scriptedSampler([[0, 1], [2, 3]]).sample(3, () => rootKey(1)); // => [0, 1]
 * ```
 */
export function scriptedSampler(cohorts: readonly (readonly number[])[]): Sampler {
  return { name: "scripted", sample: (round) => cohorts[(round - 1) % cohorts.length]! };
}
