import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

describe("editDistance", () => {
  it.each([
    ["", "abc", 3],
    ["fedavg", "fedavg", 0],
    ["fedvag", "fedavg", 1],
    ["kitten", "sitting", 3],
    ["learningrate", "learningrates", 1],
    // Optimal string alignment: no part is edited twice, so "ca" -> "abc" takes 3 and not 2.
    ["ca", "abc", 3],
  ])("%s -> %s: %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it("is symmetric and bounded by the longer word", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance === 0).toBe(a === b);
      }),
    );
  });
});

describe("nearest", () => {
  const known = ["fedavg", "fedavgm", "fedprox", "scaffold"];
  it.each([
    ["fedagv", "fedavg"],
    ["FedProx", "fedprox"],
    ["scafold", "scaffold"],
    ["fedavgn", "fedavg"],
    ["quantum", undefined],
    ["", undefined],
  ])("%s -> %s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
