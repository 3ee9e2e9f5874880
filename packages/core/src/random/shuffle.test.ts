import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "./key.ts";
import { permutation, sampleWithoutReplacement, shuffle } from "./shuffle.ts";
import { randomStream } from "./stream.ts";

describe("shuffle and permutation", () => {
  it("keeps the elements", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 })), fc.nat(), (values, seed) => {
        const shuffled = Int32Array.from(values);
        shuffle(randomStream(rootKey(seed)), shuffled);
        expect([...shuffled].sort((a, b) => a - b)).toEqual([...values].sort((a, b) => a - b));
      }),
    );
  });

  it("gives all 24 orders of four elements equally often", () => {
    const counts = new Map<string, number>();
    const rounds = 24 * 500;
    for (let i = 0; i < rounds; i++) {
      const order = permutation(randomStream(deriveKey(rootKey(8), i)), 4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // Chi-square, 23 degrees of freedom: above 70 with probability 1.3e-6.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    expect(chiSquare).toBeLessThan(70);
  });
});

describe("sampleWithoutReplacement", () => {
  it("equals the front of the permutation, by either way of storing it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (n, draw, seed) => {
        const k = draw % (n + 1);
        const sample = sampleWithoutReplacement(randomStream(rootKey(seed)), n, k);
        expect([...sample]).toEqual([...permutation(randomStream(rootKey(seed)), n).subarray(0, k)]);
      }),
    );
  });

  it("draws 1,000 different clients out of a million, evenly", () => {
    const sample = sampleWithoutReplacement(randomStream(rootKey(9)), 1_000_000, 1000);
    expect(new Set(sample).size).toBe(1000);
    expect(sample.every((client) => client >= 0 && client < 1_000_000)).toBe(true);
    // Mean 500,000, sd of the mean 288,675 / sqrt(1000) = 9129; 5 sd: false alarm 6e-7.
    expect(Math.abs(sample.reduce((a, b) => a + b, 0) / 1000 - 500_000)).toBeLessThan(5 * 9129);
  });

  it("refuses more than there are", () => {
    expect(() => sampleWithoutReplacement(randomStream(rootKey(0)), 3, 4)).toThrow(
      expect.objectContaining({ code: "random/sample-size" }),
    );
  });
});
