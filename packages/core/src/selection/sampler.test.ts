import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { poissonSampler, type Sampler, scriptedSampler, uniformSampler } from "./sampler.ts";

const key = (round: number) => deriveKey(rootKey(5), "cohort", round);
const cohorts = (sampler: Sampler, rounds: number) =>
  Array.from({ length: rounds }, (_, i) => sampler.sample(i + 1, key(i + 1)));

/** How often each client is chosen. */
function visits(chosen: readonly (readonly number[])[], clients: number): number[] {
  const counts = new Array<number>(clients).fill(0);
  for (const client of chosen.flat()) counts[client]!++;
  return counts;
}

const ascending = (cohort: readonly number[]) => cohort.every((client, i) => i === 0 || client > cohort[i - 1]!);

describe("uniformSampler", () => {
  it("gives as many clients as asked, each once, in ascending order, the same for the same key", () => {
    const sampler = uniformSampler(50, 7);
    const chosen = cohorts(sampler, 40);
    expect(chosen.every((cohort) => cohort.length === 7 && ascending(cohort))).toBe(true);
    expect(cohorts(sampler, 40)).toEqual(chosen);
    expect(new Set(chosen.map(String)).size).toBeGreaterThan(35);
    expect(uniformSampler(3, 3).sample(1, key(1))).toEqual([0, 1, 2]);
  });

  it("favours nobody", () => {
    // each client's visits are Binomial(2000, 0.3); 5 deviations on 10 clients: false alarm below 1e-5, the seed is fixed
    for (const count of visits(cohorts(uniformSampler(10, 3), 2000), 10)) {
      expect(Math.abs(count - 600)).toBeLessThan(5 * Math.sqrt(2000 * 0.3 * 0.7));
    }
  });
});

describe("poissonSampler", () => {
  it("lets every client in by its own coin: sizes vary as a binomial", () => {
    const chosen = cohorts(poissonSampler(40, 10), 2000);
    expect(chosen.every(ascending)).toBe(true);
    const sizes = chosen.map((cohort) => cohort.length);
    const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
    const variance = sizes.reduce((a, size) => a + (size - mean) ** 2, 0) / (sizes.length - 1);
    // Binomial(40, 1/4): variance 7.5; bounds of 5 deviations of the two estimates, false alarm below 1e-5
    expect(Math.abs(mean - 10)).toBeLessThan(5 * Math.sqrt(7.5 / 2000));
    expect(Math.abs(variance - 7.5)).toBeLessThan(5 * 7.5 * Math.sqrt(2 / 2000));
  });

  it("may be empty, and holds everyone where the expectation is the population", () => {
    expect(cohorts(poissonSampler(10, 0.5), 50).some((cohort) => cohort.length === 0)).toBe(true);
    expect(poissonSampler(4, 4).sample(1, key(1))).toEqual([0, 1, 2, 3]);
  });

  it("lets nobody in more often than at the rate asked for", () => {
    const word = randomStream(key(1)).uint32();
    expect(poissonSampler(1, (word + 0.5) / 2 ** 32).sample(1, key(1))).toEqual([]);
    expect(poissonSampler(1, (word + 1) / 2 ** 32).sample(1, key(1))).toEqual([0]);
  });
});

it("scriptedSampler repeats its list", () => {
  expect(cohorts(scriptedSampler([[0], [1, 2]]), 3)).toEqual([[0], [1, 2], [0]]);
});
