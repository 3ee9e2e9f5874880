import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "../random/index.ts";
import { drawWeighted } from "./draw-weighted.ts";
import { cosineOf, heteroScores } from "./hetero-scores.ts";
import { oortScores } from "./oort-scores.ts";

const settings = { epsilon: 0, pacerPercentile: 100, clipPercentile: 100, alpha: 2, cutoff: 0 };
const client = (utility: number, duration = 1, lastRound: number | null = 5) => ({ utility, duration, lastRound });

describe("scores of Oort", () => {
  it("are uniform where all clients are equally useful", () => {
    const { probabilities, preferredDuration } = oortScores([client(3), client(3), client(3)], 9, 2, settings);
    expect(probabilities).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(preferredDuration).toBeNull();
  });

  it("fall with the square of the time beyond the preferred one", () => {
    const { scores, preferredDuration } = oortScores([client(1, 1), client(1, 2), client(1, 4)], 1, 2, {
      ...settings,
      pacerPercentile: 10,
    });
    expect(preferredDuration).toBe(1);
    expect(scores).toEqual([1, 1 / 4, 1 / 16]);
  });

  it("leave out clients that were never tried", () => {
    const { scores, explore } = oortScores([client(1), client(9, 1, null)], 3, 4, { ...settings, epsilon: 0.5 });
    expect([scores.length, explore]).toEqual([1, 2]);
  });
});

describe("scores of HeteRo-Select", () => {
  const equal = { loss: 2, count: 1, lastRound: 3, cosine: 0.5 };

  it("are uniform where all clients are alike", () => {
    const { probabilities } = heteroScores([equal, equal, equal, equal], 5, 10);
    for (const probability of probabilities) expect(probability).toBeCloseTo(0.25, 12);
  });

  it("favour clients with a higher loss, another direction, fewer rounds and older ones", () => {
    for (const change of [{ loss: 3 }, { cosine: -1 }, { count: 0 }, { lastRound: 1 }]) {
      const { probabilities } = heteroScores([equal, { ...equal, ...change }], 5, 10);
      expect(probabilities[1]!).toBeGreaterThan(probabilities[0]!);
    }
  });

  it("know the cosine of two vectors, and none of a zero one", () => {
    expect(cosineOf([3, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosineOf([0, 0], [1, 1])).toBeNull();
  });
});

describe("a weighted draw", () => {
  it("has no client twice and none of weight 0", () => {
    for (let seed = 0; seed < 50; seed++) {
      const drawn = drawWeighted([1, 0, 2, 5, 0, 1], 5, deriveKey(rootKey(seed), "cohort"));
      expect(drawn.toSorted()).toEqual([0, 2, 3, 5]);
    }
  });

  it("has a client first in proportion to its weight", () => {
    const counts = [0, 0, 0];
    for (let seed = 0; seed < 3000; seed++) counts[drawWeighted([1, 2, 3], 1, rootKey(seed))[0]!]!++;
    // standard deviation below 28
    for (const [place, weight] of [1, 2, 3].entries())
      expect(Math.abs(counts[place]! - 500 * weight)).toBeLessThan(120);
  });
});
