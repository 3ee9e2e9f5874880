import { describe, expect, it } from "vitest";
import { norm2 } from "../../params/index.ts";
import { randomStream, rootKey } from "../../random/index.ts";
import { roundConditionally, roundedNorm } from "./conditional-rounding.ts";

describe("the norm after rounding", () => {
  it("by hand", () => {
    // beta = e^-1/2: sqrt(100 + 25 + 1 (10 + 5)).
    expect(roundedNorm(10, 100, Math.exp(-0.5))).toBeCloseTo(Math.sqrt(140), 13);
    // beta = e^-8: sqrt(100 + 25 + 4 * 15).
    expect(roundedNorm(10, 100, Math.exp(-8))).toBeCloseTo(Math.sqrt(185), 13);
    expect(roundedNorm(10, 100, 0)).toBe(20);
    expect(roundedNorm(10, 100, 1e-300)).toBe(20);
  });
});

describe("rounding", () => {
  it("is to a neighbour, and right on average", () => {
    const values = Float64Array.of(0.25, -1.7, 3, 0.999, -0.001, 12.5);
    const stream = randomStream(rootKey(61));
    const draws = 20_000;
    const mean = new Float64Array(values.length);
    for (let i = 0; i < draws; i++) {
      roundConditionally(values, 100, stream).forEach((whole, j) => {
        if (!Number.isInteger(whole) || Math.abs(whole - values[j]!) >= 1) expect.fail(`${values[j]} became ${whole}`);
        mean[j]! += whole / draws;
      });
    }
    // Five standard errors of a coin: 6e-7 for each of six.
    values.forEach((value, j) => {
      const share = value - Math.floor(value);
      expect(Math.abs(mean[j]! - value)).toBeLessThanOrEqual(5 * Math.sqrt((share * (1 - share)) / draws) + 1e-9);
    });
    expect(mean[2]).toBeCloseTo(3, 9);
  });

  it("stays within its bound, which single draws do not", () => {
    const size = 5000;
    const values = new Float64Array(size).fill(0.5);
    const bound = roundedNorm(norm2(values), size, 0.5);
    const stream = randomStream(rootKey(62));
    // 2,500 +- 35 coordinates become 1: a bound at the middle is passed by every second draw.
    const middle = Math.sqrt(size / 2);
    const free = Array.from({ length: 40 }, () => norm2(roundConditionally(values, size, stream)));
    expect(free.some((norm) => norm > middle)).toBe(true);
    for (let i = 0; i < 40; i++) {
      expect(norm2(roundConditionally(values, middle, stream))).toBeLessThanOrEqual(middle);
      expect(norm2(roundConditionally(values, bound, stream))).toBeLessThanOrEqual(bound);
    }
  });

  it("of any length uses fresh words all along", () => {
    const rounded = roundConditionally(new Float64Array(20_000).fill(0.5), 1e9, randomStream(rootKey(63)));
    const ups = (from: number) => rounded.subarray(from, from + 4096).reduce((sum, x) => sum + x, 0);
    for (const from of [0, 4096, 8192, 12_288, 15_904]) expect(Math.abs(ups(from) - 2048)).toBeLessThan(160);
    expect(rounded.subarray(0, 4096)).not.toEqual(rounded.subarray(4096, 8192));
  });

  it("ends with an error where no draw can be short enough", () => {
    expect(() => roundConditionally(Float64Array.of(3, 4), 4.9, randomStream(rootKey(64)))).toThrow(
      expect.objectContaining({ code: "privacy/rounding" }),
    );
    expect(roundConditionally(Float64Array.of(3, 4), 5, randomStream(rootKey(64)))).toEqual(Float64Array.of(3, 4));
  });
});
