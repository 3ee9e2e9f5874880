import { describe, expect, it } from "vitest";
import { modelOf } from "../gossip/index.ts";
import {
  adaptiveSplit,
  averageLinkage,
  clusteringTemperature,
  cosineDistances,
  cutToClusters,
  distancesAmong,
  functionalSimilarity,
  fusionWeights,
  mixed,
  normalisedRows,
  oneShotClusters,
  reptileStep,
} from "./index.ts";

const rows = (...list: number[][]) => list.map((row) => Float64Array.from(row));
/** Two directions, mixed up; numbers are such that no two distances are equal. */
const twoGroups = rows([1, 0.1], [-0.2, 1], [1, 0.3], [0.1, 1], [1, -0.1], [0.3, 1.1]);

describe("cosine distances", () => {
  it("are 0 for equal directions, 1 for orthogonal and 2 for opposite ones, whatever the length", () => {
    const { values } = cosineDistances(rows([1, 0], [5, 0], [0, 2], [-3, 0]));
    expect(Array.from(values.subarray(0, 4))).toEqual([0, 0, 1, 2]);
  });

  it("put a zero vector at distance 1 from all", () => {
    expect(Array.from(cosineDistances(rows([0, 0], [1, 0])).values)).toEqual([0, 1, 1, 0]);
  });

  it("can be cut to some items", () => {
    const all = cosineDistances(twoGroups);
    expect(distancesAmong(all, [1, 3]).values[1]).toBe(all.values[1 * 6 + 3]);
  });
});

describe("average linkage", () => {
  it("merges by the mean over all pairs, as counted by hand on every division", () => {
    const distances = cosineDistances(twoGroups);
    for (const { clusters, height } of averageLinkage(distances)) {
      const pairs = clusters[0].flatMap((i) => clusters[1].map((j) => distances.values[i * 6 + j]!));
      expect(height).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 12);
    }
  });

  it("never falls in height, and numbers clusters by first appearance", () => {
    const merges = averageLinkage(cosineDistances(twoGroups));
    const heights = merges.map(({ height }) => height);
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
    expect(cutToClusters(merges, 2)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(cutToClusters(merges, 1)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(cutToClusters(merges, 9)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("takes the pair with the lowest members of equal distances", () => {
    const merges = averageLinkage({ count: 3, values: Float64Array.of(0, 1, 1, 1, 0, 1, 1, 1, 0) });
    expect(merges[0]!.clusters).toEqual([[0], [1]]);
  });

  it("has no merge of one item", () => {
    expect(cutToClusters(averageLinkage({ count: 1, values: Float64Array.of(0) }), 3)).toEqual([0]);
  });
});

describe("clustering once", () => {
  it("has temperature 0 for equal updates, 0.5 for orthogonal and 1 for two opposite ones", () => {
    const temperature = (...list: number[][]) => clusteringTemperature(cosineDistances(rows(...list)));
    expect(temperature([1, 2], [1, 2], [1, 2])).toBeCloseTo(0, 7);
    expect(temperature([1, 0, 0], [0, 1, 0], [0, 0, 1])).toBeCloseTo(0.5, 12);
    expect(temperature([1], [-1])).toBe(1);
    expect(temperature([1])).toBe(0);
  });

  it("fires above the last temperature alone, and never without one", () => {
    const { temperature } = oneShotClusters(twoGroups, undefined, 2);
    expect(oneShotClusters(twoGroups, undefined, 2).assignment).toBeUndefined();
    expect(oneShotClusters(twoGroups, temperature, 2).assignment).toBeUndefined();
    expect(oneShotClusters(twoGroups, temperature - 1e-9, 2).assignment).toEqual([0, 1, 0, 1, 0, 1]);
  });
});

describe("the adaptive split", () => {
  it("accepts two groups that are far apart", () => {
    const split = adaptiveSplit(twoGroups, { distance: 0.5, minimumClients: 2 })!;
    expect(split.children).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
    expect(split.accepted).toBe(true);
    expect(split.within).toBeLessThan(split.overall / 2);
  });

  it.each([
    ["a distance that is not reached", { distance: 2, minimumClients: 2 }],
    ["children that are too small", { distance: 0.5, minimumClients: 4 }],
  ])("refuses %s", (_name, rule) => {
    expect(adaptiveSplit(twoGroups, rule)!.accepted).toBe(false);
  });

  it("refuses a split that brings pairs less than a tenth closer", () => {
    // three directions at equal angles: a pair inside is as far apart as any other
    const even = rows([1, 0, 0], [0, 1, 0], [0, 0, 1]);
    expect(adaptiveSplit(even, { distance: 0.5, minimumClients: 1 })!.accepted).toBe(false);
  });

  it("needs two updates", () => {
    expect(adaptiveSplit(rows([1]), { distance: 0, minimumClients: 1 })).toBeUndefined();
  });

  it("steps from 1 down to 0.1", () => {
    expect([0, 5, 10].map((round) => reptileStep(round, 11))).toEqual([1, 0.55, 0.1].map((x) => expect.closeTo(x, 12)));
    expect(reptileStep(0, 1)).toBe(1);
  });
});

describe("one mixing rule", () => {
  it("gives each row its own mean", () => {
    const rowsOfA = [
      { nodes: [0, 2], weights: [0.5, 0.5] },
      { nodes: [1], weights: [1] },
    ];
    const models = mixed(rows([1, 1], [5, 5], [3, 7]), rowsOfA);
    expect(Array.from(modelOf(models, 0))).toEqual([2, 4]);
    expect(Array.from(modelOf(models, 1))).toEqual([5, 5]);
  });

  it("divides rows of weights by their sums", () => {
    expect(normalisedRows([[1, 3]])[0]!.weights).toEqual([0.25, 0.75]);
  });

  it.each([0, 3, 400])("has rows of similarities that sum to 1 at temperature %s", (temperature) => {
    for (const row of functionalSimilarity(twoGroups, temperature)) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      expect(row.every(Number.isFinite)).toBe(true);
    }
  });

  it("is FedAvg at 0 and local training at infinity", () => {
    expect(functionalSimilarity(rows([1, 0], [0, 1]), 0)).toEqual([
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
    expect(
      fusionWeights(
        [
          [0, 0],
          [0, 0],
        ],
        Number.POSITIVE_INFINITY,
      ),
    ).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it("gives nothing to whom is infinitely far, and everybody the same at 0", () => {
    expect(fusionWeights([[0, Number.POSITIVE_INFINITY]], 3)).toEqual([[1, 0]]);
    expect(fusionWeights([[0, Number.POSITIVE_INFINITY]], 0)).toEqual([[0.5, 0.5]]);
  });

  it("weighs by exp(temperature * cosine)", () => {
    const [row] = functionalSimilarity(rows([1, 0], [0.6, 0.8]), 2);
    expect(row![1]! / row![0]!).toBeCloseTo(Math.exp(2 * (0.6 - 1)), 12);
  });
});
