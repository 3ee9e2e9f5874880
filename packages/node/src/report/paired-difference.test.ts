import { describe, expect, it } from "vitest";
import { pairedDifference } from "./paired-difference.ts";
import { studentT } from "./student-t.ts";

describe("studentT", () => {
  it("equals the tables of the distribution", () => {
    // two-sided 95 % and 99 % points, e.g. NIST/SEMATECH e-Handbook, table of critical values
    const points = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    points.forEach((point, index) => {
      expect(studentT(index + 1, 0.95)).toBeCloseTo(point, 3);
    });
    expect(studentT(30, 0.95)).toBeCloseTo(2.042, 3);
    expect(studentT(4, 0.99)).toBeCloseTo(4.604, 3);
    expect(studentT(1000, 0.95)).toBeCloseTo(1.962, 3);
  });
});

describe("pairedDifference", () => {
  const bySeed = (...values: number[]) => new Map(values.map((value, index) => [index + 1, value]));

  it("shows a difference that the spread over seeds hides", () => {
    // differences 0.02, 0.03, 0.04: mean 0.03, deviation 0.01; 4.30265 * 0.01 / sqrt(3)
    const { n, mean, halfWidth } = pairedDifference(bySeed(0.52, 0.63, 0.74), bySeed(0.5, 0.6, 0.7));
    expect(n).toBe(3);
    expect(mean).toBeCloseTo(0.03, 12);
    expect(halfWidth).toBeCloseTo(0.0248414, 6);
  });

  it("pairs by seed, not by position, and leaves out what only one side has", () => {
    const values = new Map([
      [3, 0.9],
      [1, 0.6],
      [4, Number.NaN],
      [5, 0.1],
    ]);
    const baseline = new Map([
      [1, 0.5],
      [3, 0.8],
      [4, 0.2],
    ]);
    expect(pairedDifference(values, baseline)).toMatchObject({ n: 2, mean: expect.closeTo(0.1, 12) });
    expect(pairedDifference(values, baseline).halfWidth).toBeCloseTo(0, 12);
  });

  it("has no interval for one seed, and 12.7 standard errors for two", () => {
    expect(pairedDifference(bySeed(0.6), bySeed(0.5))).toEqual({ n: 1, mean: 0.6 - 0.5, halfWidth: null });
    // differences 0.1 and 0.3: deviation sqrt(0.02), standard error 0.1
    expect(pairedDifference(bySeed(0.6, 0.8), bySeed(0.5, 0.5)).halfWidth).toBeCloseTo(1.27062, 5);
    expect(pairedDifference(bySeed(0.6), new Map())).toEqual({ n: 0, mean: null, halfWidth: null });
  });
});
