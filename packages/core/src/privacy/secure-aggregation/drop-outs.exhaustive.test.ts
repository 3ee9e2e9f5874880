import { describe, expect, it } from "vitest";
import { allPatterns, CODED_STAGES, checkPattern, PAIRWISE_STAGES } from "./testing/patterns.ts";
import { cachedCurves, testPlan } from "./testing/rounds.ts";

const curves = cachedCurves();

describe("every client drops out at any stage or stays", () => {
  it.each([0, 1, 2, 3, 4, 5])("all patterns of 6 clients, the first at stage %d", async (stage) => {
    let ends = 0;
    for (const pattern of allPatterns(6, PAIRWISE_STAGES.length, [stage])) {
      if (!(await checkPattern(testPlan(6, { threshold: 4 }), pattern, curves))) ends++;
    }
    expect(ends).toBeGreaterThan(0);
  });

  it.each([
    [0, 26],
    [1, 26],
    [2, 26],
    [3, 26],
    [4, 26],
    [5, 276],
  ])("all patterns of 6 clients with coded masks, the first at stage %d", async (stage, expected) => {
    const plan = testPlan(6, { protocol: "coded", threshold: 4, privacy: 1, length: 7 });
    let sums = 0;
    for (const pattern of allPatterns(6, CODED_STAGES.length, [stage])) {
      if (await checkPattern(plan, pattern, curves)) sums++;
    }
    // Two of six may drop out: beside the first one of five at one of five stages, or where it stays one or two.
    expect(sums).toBe(expected);
  });
});
