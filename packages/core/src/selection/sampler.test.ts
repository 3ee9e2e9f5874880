import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { allocationSampler, poissonSampler, type Sampler, scriptedSampler, uniformSampler } from "./sampler.ts";

const key = (round: number) => deriveKey(rootKey(5), "cohort", round);
const cohorts = (sampler: Sampler, rounds: number) =>
  Array.from({ length: rounds }, (_, i) => sampler.sample(i + 1, key));

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
    expect(uniformSampler(3, 3).sample(1, key)).toEqual([0, 1, 2]);
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
    expect(poissonSampler(4, 4).sample(1, key)).toEqual([0, 1, 2, 3]);
  });

  it("lets nobody in more often than at the rate asked for", () => {
    const word = randomStream(key(1)).uint32();
    expect(poissonSampler(1, (word + 0.5) / 2 ** 32).sample(1, key)).toEqual([]);
    expect(poissonSampler(1, (word + 1) / 2 ** 32).sample(1, key)).toEqual([0]);
  });
});

describe("poissonSampler with rates", () => {
  it("lets clients in at these rates, repeated from the start, with the cohort of before on average", () => {
    // probabilities 0.1 and 0.3 by turns
    const counts = visits(cohorts(poissonSampler(10, 2, [1, 3]), 4000), 10);
    for (const [client, count] of counts.entries()) {
      const probability = client % 2 === 0 ? 0.1 : 0.3;
      expect(Math.abs(count - 4000 * probability)).toBeLessThan(5 * Math.sqrt(4000 * probability * (1 - probability)));
    }
  });

  it("chooses as without them where all are equal", () => {
    expect(cohorts(poissonSampler(40, 7, [0.25]), 50)).toEqual(cohorts(poissonSampler(40, 7), 50));
  });

  it("refuses a client that would take part more often than always", () => {
    expect(() => poissonSampler(4, 2, [1, 1, 1, 9])).toThrow("probability 1.500");
  });
});

describe("allocationSampler", () => {
  it("takes every client exactly once in each block of rounds, in whatever order rounds are drawn", () => {
    const sampler = allocationSampler(30, 7);
    const chosen = cohorts(sampler, 28);
    expect(chosen.every(ascending)).toBe(true);
    for (let start = 0; start < 28; start += 7) {
      expect(
        chosen
          .slice(start, start + 7)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 30 }, (_, i) => i));
    }
    expect(sampler.sample(17, key)).toEqual(chosen[16]);
    expect(new Set(chosen.map(String)).size).toBeGreaterThan(25);
  });

  it("draws the round of a client uniformly, and apart from other clients and blocks", () => {
    const chosen = cohorts(allocationSampler(2, 3), 9000);
    const place = (client: number) =>
      Array.from({ length: 3000 }, (_, b) => [0, 1, 2].find((i) => chosen[3 * b + i]!.includes(client))!);
    const [first, second] = [place(0), place(1)];
    const pairs = new Array<number>(9).fill(0);
    for (const [b, at] of first.entries()) pairs[3 * at + second[b]!]!++;
    for (const [b, at] of first.slice(1).entries()) pairs[3 * at + first[b]!]!++;
    // each pair of places: Binomial(5999, 1/9), the two halves independent; 5 deviations, false alarm below 1e-5
    for (const count of pairs) expect(Math.abs(count - 5999 / 9)).toBeLessThan(5 * Math.sqrt((5999 * 8) / 81));
  });

  it("is all clients in every round where a block is one round", () => {
    expect(cohorts(allocationSampler(3, 1), 2)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });
});

it("scriptedSampler repeats its list", () => {
  expect(cohorts(scriptedSampler([[0], [1, 2]]), 3)).toEqual([[0], [1, 2], [0]]);
});
