import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";

/** Picks the cohort of a round: client numbers in ascending order, which is the order of every sum. */
export interface Sampler {
  readonly name: string;
  /** @param keyOf the key of each round of the run, whose draws are independent of all others */
  sample(round: number, keyOf: (round: number) => RandomKey): readonly number[];
}

/** `cohort` clients drawn uniformly without replacement. */
export function uniformSampler(clients: number, cohort: number): Sampler {
  return {
    name: "uniform",
    sample: (round, keyOf) =>
      Array.from(sampleWithoutReplacement(randomStream(keyOf(round)), clients, cohort)).sort((a, b) => a - b),
  };
}

/** Every client takes part on its own with probability cohort / clients; a round may be empty. Amplification by sampling assumes this. */
export function poissonSampler(clients: number, cohort: number): Sampler {
  // down to a whole word: the rate that privacy is accounted for is an upper bound
  const threshold = Math.floor((cohort / clients) * 2 ** 32);
  return {
    name: "poisson",
    sample(round, keyOf) {
      const stream = randomStream(keyOf(round));
      const chosen: number[] = [];
      for (let client = 0; client < clients; client++) if (stream.uint32() < threshold) chosen.push(client);
      return chosen;
    },
  };
}

/**
 * Every client takes part in exactly one round of each block of `block` rounds, drawn uniformly and apart from all others
 * (random allocation, or balls and bins: L. Chua et al., 2024, arXiv:2412.16802). Cohorts vary in size around
 * clients / block. The rounds of a block are drawn with the key of its first one, so a resumed run draws the same.
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

/** A fixed list of cohorts, one a round, repeated from the start when it ends. */
export function scriptedSampler(cohorts: readonly (readonly number[])[]): Sampler {
  return { name: "scripted", sample: (round) => cohorts[(round - 1) % cohorts.length]! };
}
