import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "../random/index.ts";
import { dealParts } from "./deal-parts.ts";

const key = (round: number) => deriveKey(rootKey(3), "parts", round);
const counts = (dealt: readonly number[], parts: number) =>
  Array.from({ length: parts }, (_, part) => dealt.filter((p) => p === part).length);
const cohort = (n: number) => Array.from({ length: n }, (_, i) => 10 * i);

describe("dealParts", () => {
  it("gives every part cohort / parts clients, or one more", () => {
    expect(counts(dealParts(5, cohort(10), key(1)), 5)).toEqual([2, 2, 2, 2, 2]);
    expect([...counts(dealParts(5, cohort(12), key(1)), 5)].sort()).toEqual([2, 2, 2, 3, 3]);
    expect([...counts(dealParts(5, cohort(3), key(1)), 5)].sort()).toEqual([0, 0, 1, 1, 1]);
    expect(dealParts(3, [], key(1))).toEqual([]);
  });

  it("is the same for a key and another for another", () => {
    const rounds = Array.from({ length: 20 }, (_, round) => dealParts(2, cohort(4), key(round)).join(""));
    expect(dealParts(2, cohort(4), key(7)).join("")).toBe(rounds[7]);
    // all 4! / (2! 2!) = 6 ways to deal two parts to four clients come up
    expect(new Set(rounds).size).toBe(6);
  });

  it("favours no part and no place where the cohort does not divide", () => {
    const rounds = 3000;
    const held = Array.from({ length: 5 }, () => [0, 0, 0]);
    for (let round = 0; round < rounds; round++) {
      dealParts(5, cohort(3), key(round)).forEach((part, place) => {
        held[part]![place]!++;
      });
    }
    // 600 expected with a standard deviation of about 22
    for (const count of held.flat()) expect(Math.abs(count - rounds / 5)).toBeLessThan(5 * 22);
  });
});
