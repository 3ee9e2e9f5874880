import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";

/** Picks the cohort of a round: client numbers in ascending order, which is the order of every sum. */
export interface Sampler {
  readonly name: string;
  sample(round: number, key: RandomKey): readonly number[];
}

/** `cohort` clients drawn uniformly without replacement. */
export function uniformSampler(clients: number, cohort: number): Sampler {
  return {
    name: "uniform",
    sample: (_round, key) =>
      Array.from(sampleWithoutReplacement(randomStream(key), clients, cohort)).sort((a, b) => a - b),
  };
}

/** Every client takes part on its own with probability cohort / clients; a round may be empty. Amplification by sampling assumes this. */
export function poissonSampler(clients: number, cohort: number): Sampler {
  // down to a whole word: the rate that privacy is accounted for is an upper bound
  const threshold = Math.floor((cohort / clients) * 2 ** 32);
  return {
    name: "poisson",
    sample(_round, key) {
      const stream = randomStream(key);
      const chosen: number[] = [];
      for (let client = 0; client < clients; client++) if (stream.uint32() < threshold) chosen.push(client);
      return chosen;
    },
  };
}

/** A fixed list of cohorts, one a round, repeated from the start when it ends. */
export function scriptedSampler(cohorts: readonly (readonly number[])[]): Sampler {
  return { name: "scripted", sample: (round) => cohorts[(round - 1) % cohorts.length]! };
}
