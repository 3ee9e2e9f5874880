import { describe, expect, it } from "vitest";
import { deriveKey, type RandomKey, rootKey } from "../random/index.ts";
import type { SelectionMemory } from "./feedback.ts";
import {
  easiestSampler,
  fullSampler,
  heteroSampler,
  latencySampler,
  oortSampler,
  roundRobinSampler,
} from "./guided-samplers.ts";
import type { Sampler } from "./sampler.ts";

const CLIENTS = 12;
const keyOf = (round: number): RandomKey => deriveKey(rootKey(3), "cohort", round);

/** Cohorts of a federation whose client i has the loss i and takes seconds[i]. */
function play(
  sampler: Sampler,
  rounds: number,
  seconds = (_client: number) => 1,
  from: SelectionMemory = {},
  start = 1,
) {
  let memory = from;
  const cohorts: (readonly number[])[] = [];
  for (let round = start; round < start + rounds; round++) {
    const cohort = sampler.sample(round, keyOf, memory);
    cohorts.push(cohort);
    const reports = cohort.map((client) => ({ client, loss: client, examples: 10, seconds: seconds(client) }));
    memory = sampler.feedback?.learn(memory, round, cohort, reports) ?? memory;
  }
  return { cohorts, memory };
}

const counted = (cohorts: readonly (readonly number[])[]) => {
  const counts = Array.from({ length: CLIENTS }, () => 0);
  for (const client of cohorts.flat()) counts[client]!++;
  return counts;
};

const guided: readonly (readonly [string, Sampler])[] = [
  ["oort", oortSampler(CLIENTS, 4)],
  ["hetero-select", heteroSampler(CLIENTS, 4, 60)],
  ["latency", latencySampler(CLIENTS, 4)],
  ["easiest-first", easiestSampler(CLIENTS, 4, (round) => Math.min(1, round / 40))],
];

it("easiest-first draws from clients of low loss at first, and from all later", () => {
  const sampler = easiestSampler(CLIENTS, 4, (round) => (round <= 100 ? 0.5 : 1));
  // the loss of a client is its number
  const { memory } = play(
    easiestSampler(CLIENTS, 4, () => 1),
    60,
  );
  const early = play(sampler, 20, undefined, memory, 61).cohorts.flat();
  expect(Math.max(...early)).toBe(Math.ceil(CLIENTS / 2) - 1);
  expect(Math.max(...play(sampler, 40, undefined, memory, 101).cohorts.flat())).toBe(CLIENTS - 1);
});

describe("samplers with feedback", () => {
  it.each(guided)("%s draws cohorts of fixed size without a client twice, in ascending order", (_name, sampler) => {
    for (const cohort of play(sampler, 60).cohorts) {
      expect(cohort).toHaveLength(4);
      expect([...new Set(cohort)].sort((a, b) => a - b)).toEqual(cohort);
    }
  });

  it.each(guided)("%s picks the same cohorts from memory that was stored", (_name, sampler) => {
    const whole = play(sampler, 50).cohorts;
    const first = play(sampler, 20);
    const saved: SelectionMemory = JSON.parse(JSON.stringify(first.memory));
    expect(play(sampler, 30, undefined, saved, 21).cohorts).toEqual(whole.slice(20));
  });

  it.each(guided)("%s remembers finite numbers alone, whatever clients report", (_name, sampler) => {
    const losses = [Number.NaN, Number.POSITIVE_INFINITY, 1e308, -1e308, 2];
    let memory: SelectionMemory = {};
    for (let round = 1; round <= 45; round++) {
      const cohort = sampler.sample(round, keyOf, memory);
      expect(cohort).toHaveLength(4);
      const reports = cohort.map((client) => ({ client, loss: losses[client % 5]!, examples: 10, seconds: 1 }));
      memory = sampler.feedback!.learn(memory, round, cohort, reports);
      expect(JSON.parse(JSON.stringify(memory))).toEqual(memory);
    }
  });

  it("work for large populations", () => {
    const many = 200_000;
    for (const sampler of [oortSampler(many, 3), heteroSampler(many, 3, 9), latencySampler(many, 3)])
      expect(play(sampler, 2).cohorts.map(({ length }) => length)).toEqual([3, 3]);
  });

  it("try all clients, and then those of high loss", () => {
    const { cohorts } = play(oortSampler(CLIENTS, 4), 60);
    expect(counted(cohorts.slice(0, 20)).every((count) => count > 0)).toBe(true);
    const counts = counted(cohorts.slice(20));
    expect(counts[11]!).toBeGreaterThan(2 * counts[0]!);
  });

  it("of Oort leave out clients that are slow, at equal loss", () => {
    const slow = (client: number) => (client >= 10 ? 40 : 1);
    const counts = counted(play(oortSampler(CLIENTS, 4), 60, slow).cohorts.slice(20));
    expect(counts[11]!).toBeLessThan(counts[9]! / 2);
  });

  it("of HeteRo-Select spread rounds more evenly than those of Oort", () => {
    const spread = (sampler: Sampler) => {
      const counts = counted(play(sampler, 60).cohorts);
      const mean = counts.reduce((sum, count) => sum + count, 0) / CLIENTS;
      return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
    };
    expect(spread(heteroSampler(CLIENTS, 4, 60))).toBeLessThan(spread(oortSampler(CLIENTS, 4)));
  });

  it("of HeteRo-Select prefer fast clients, at equal loss, where update speed is time", () => {
    const slow = (client: number) => (client % 2 === 0 ? 30 : 1);
    const share = (speed: "staleness" | "seconds") => {
      const counts = counted(play(heteroSampler(CLIENTS, 4, 200, speed), 200, slow).cohorts);
      return counts.filter((_, client) => client % 2 === 1).reduce((a, b) => a + b, 0) / 800;
    };
    expect(share("seconds")).toBeGreaterThan(share("staleness") + 0.03);
  });

  it("by latency prefer fast clients", () => {
    const counts = counted(play(latencySampler(CLIENTS, 4), 60, (client) => (client < 6 ? 1 : 8)).cohorts);
    const [fast, slow] = [counts.slice(0, 6), counts.slice(6)].map((list) => list.reduce((a, b) => a + b));
    expect(fast!).toBeGreaterThan(2 * slow!);
  });
});

describe("samplers without draws", () => {
  it("take clients in turn, or all of them", () => {
    const { cohorts } = play(roundRobinSampler(5, 2), 3);
    expect(cohorts).toEqual([
      [0, 1],
      [2, 3],
      [0, 4],
    ]);
    expect(play(fullSampler(3), 1).cohorts).toEqual([[0, 1, 2]]);
  });
});
