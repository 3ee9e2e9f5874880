import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ascendingOrder, keptCount, positionsOf, reversedVote, scoresByRank, topMask, voteSums } from "./rank-vote.ts";

const permutations = fc
  .integer({ min: 1, max: 8 })
  .chain((n) => fc.array(fc.shuffledSubarray([...Array(n).keys()], { minLength: n }), { minLength: 1, maxLength: 5 }));

describe("a vote on rankings", () => {
  it("adds places up", () => {
    const sums = voteSums(
      [
        [2, 0, 3, 1],
        [0, 2, 3, 1],
        [2, 3, 0, 1],
      ].map(positionsOf),
    );
    expect(Array.from(sums)).toEqual([3, 9, 1, 5]);
    expect(Array.from(ascendingOrder(sums))).toEqual([2, 0, 3, 1]);
  });

  it("of one opinion elects it", () => {
    fc.assert(
      fc.property(permutations, ([ranking]) => {
        const places = Array.from({ length: 3 }, () => positionsOf(ranking!));
        expect(Array.from(ascendingOrder(voteSums(places)))).toEqual(ranking);
      }),
    );
  });

  it("is moved by one voter by n - 1 at most", () => {
    fc.assert(
      fc.property(permutations, (rankings) => {
        const places = rankings.map(positionsOf);
        const before = voteSums(places);
        const after = voteSums([positionsOf(reversedVote(places.slice(0, 1))), ...places.slice(1)]);
        for (const [i, sum] of before.entries())
          expect(Math.abs(sum - after[i]!)).toBeLessThanOrEqual(rankings[0]!.length - 1);
      }),
    );
  });

  it("keeps the parameters with the highest scores", () => {
    fc.assert(
      fc.property(permutations, fc.double({ min: 0, max: 1, noNaN: true }), ([ranking], keep) => {
        const scores = scoresByRank(
          ranking!,
          ranking!.map((_, j) => j + 1),
        );
        const mask = topMask(ranking!, keep);
        const kept = [...scores].filter((_, i) => mask[i] === 1);
        expect(kept).toHaveLength(keptCount(keep, ranking!.length));
        expect(Math.min(...kept)).toBeGreaterThan(Math.max(0, ...[...scores].filter((_, i) => mask[i] === 0)));
      }),
    );
  });

  it("rounds halves to even", () => {
    expect([1, 3, 5, 7].map((n) => keptCount(0.5, n))).toEqual([0, 2, 2, 4]);
  });
});
