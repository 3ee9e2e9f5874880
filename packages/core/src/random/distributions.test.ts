import { describe, expect, it } from "vitest";
import { dirichlet, symmetricDirichlet } from "./distributions.ts";
import { deriveKey, rootKey } from "./key.ts";
import { randomStream } from "./stream.ts";

/** Mean and variance of `count` draws. */
function moments(count: number, draw: () => number): { mean: number; variance: number } {
  const values = Array.from({ length: count }, draw);
  const mean = values.reduce((a, b) => a + b, 0) / count;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
}

// Bounds are 5 standard deviations of the statistic (false alarm about 6e-7 each).
const DRAWS = 40_000;

describe("normal", () => {
  it("has mean 0, variance 1 and normal tails", () => {
    const stream = randomStream(rootKey(1));
    const { mean, variance } = moments(DRAWS, () => stream.normal());
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(DRAWS));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / DRAWS));
    let beyond = 0;
    for (let i = 0; i < DRAWS; i++) if (Math.abs(stream.normal()) > 2) beyond++;
    // P(|x| > 2) = 0.0455.
    expect(Math.abs(beyond / DRAWS - 0.0455)).toBeLessThan(5 * Math.sqrt((0.0455 * 0.9545) / DRAWS));
  });
});

describe("gamma", () => {
  it.each([0.1, 0.5, 1, 3.7, 50])("has mean and variance %d", (shape) => {
    const stream = randomStream(deriveKey(rootKey(2), Math.round(shape * 10)));
    const { mean, variance } = moments(DRAWS, () => stream.gamma(shape));
    expect(Math.abs(mean - shape)).toBeLessThan(5 * Math.sqrt(shape / DRAWS));
    // Var(s^2) = (mu4 - sigma^4) / n with mu4 = 3 a^2 + 6 a and sigma^4 = a^2.
    expect(Math.abs(variance - shape)).toBeLessThan(5 * Math.sqrt((2 * shape * shape + 6 * shape) / DRAWS));
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses the shape %d", (shape) => {
    expect(() => randomStream(rootKey(0)).gamma(shape)).toThrow(
      expect.objectContaining({ code: "random/gamma-shape" }),
    );
  });
});

describe("dirichlet", () => {
  it("has the mean and variance of its concentrations", () => {
    const stream = randomStream(rootKey(3));
    const alpha = [0.2, 1, 2.8];
    const total = 4;
    for (const [i, a] of alpha.entries()) {
      const { mean, variance } = moments(10_000, () => dirichlet(stream, alpha)[i]!);
      const m = a / total;
      const v = (m * (1 - m)) / (total + 1);
      expect(Math.abs(mean - m)).toBeLessThan(5 * Math.sqrt(v / 10_000));
      expect(Math.abs(variance / v - 1)).toBeLessThan(0.2);
    }
  });

  it("stays on the simplex at tiny concentrations, where one coordinate takes all", () => {
    const stream = randomStream(rootKey(4));
    for (let i = 0; i < 200; i++) {
      const point = symmetricDirichlet(stream, 1e-4, 10);
      expect(point.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      expect(Math.max(...point)).toBeGreaterThan(0.3);
    }
  });

  it("is nearly uniform at huge concentrations", () => {
    const point = symmetricDirichlet(randomStream(rootKey(5)), 1e6, 10);
    // sd of a coordinate = sqrt(0.09 / 1e7) = 9.5e-5; 6 sd.
    for (const value of point) expect(Math.abs(value - 0.1)).toBeLessThan(6e-4);
  });
});
