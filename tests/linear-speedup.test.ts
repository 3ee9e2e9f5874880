import { describe, expect, it } from "vitest";
import { slope, squaredGradient } from "../experiments/quadratics/linear-speedup.ts";

/** The mean over 60 late rounds varies by a tenth, and a slope over a factor of 8 or 16 by less than this. */
const TOLERANCE = 0.25;
// linear-speedup.slow.test.ts has other methods
const common = { localSteps: 4, rounds: 120, seed: 2, heterogeneity: 0.1 };

describe("where gradient noise dominates, the squared gradient norm", () => {
  it("falls like 1 / S: fedavg", async () => {
    const points: [number, number][] = [];
    for (const cohort of [1, 4, 16]) {
      const setting = { ...common, cohort, learningRate: 0.05 };
      points.push([cohort, await squaredGradient({ ...setting, algorithm: { name: "fedavg" } })]);
    }
    expect(Math.abs(slope(points) + 1)).toBeLessThan(TOLERANCE);
  });

  it("falls like 1 / K at equal K times the rate: fedavg", async () => {
    const points: [number, number][] = [];
    for (const localSteps of [1, 2, 4, 8]) {
      const setting = { ...common, cohort: 4, localSteps, learningRate: 0.2 / localSteps };
      points.push([localSteps, await squaredGradient({ ...setting, algorithm: { name: "fedavg" } })]);
    }
    expect(Math.abs(slope(points) + 1)).toBeLessThan(TOLERANCE);
  });
});
