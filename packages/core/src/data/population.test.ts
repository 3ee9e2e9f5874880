import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { populationStatistics, syntheticPopulation } from "./population.ts";
import { syntheticClient, syntheticKeys } from "./synthetic.ts";

const spec = { shape: [4, 4], classes: 6, examples: 12, classesPerClient: 2 };

describe("syntheticPopulation", () => {
  it("holds a test set and no client", () => {
    const population = syntheticPopulation(3, 100_000_000, spec, 18);
    expect(population.test.features.shape).toEqual([18, 4, 4]);
    expect(population.test.classes).toBe(6);
  });

  it("refuses what cannot be met", () => {
    expect(() => syntheticPopulation(3, 10, { ...spec, classesPerClient: 7 }, 18)).toThrow(
      expect.objectContaining({ code: "data/synthetic" }),
    );
  });
});

describe("populationStatistics", () => {
  it("counts the classes of the first hundred clients", () => {
    const statistics = populationStatistics(syntheticPopulation(3, 1_000_000, spec, 18));
    expect(statistics.counts).toHaveLength(100);
    const counts = new Array<number>(6).fill(0);
    for (const label of syntheticClient(syntheticKeys(rootKey(3)), 41, spec).labels.data) counts[label]!++;
    expect(statistics.counts[41]).toEqual(counts);
    expect(statistics).toMatchObject({ sizeMin: 12, sizeMax: 12, unused: 0, duplicated: 0 });
    expect(populationStatistics(syntheticPopulation(3, 7, spec, 18)).counts).toHaveLength(7);
  });
});
