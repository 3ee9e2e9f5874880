import { describe, expect, it } from "vitest";
import { allPatterns, checkPattern, PAIRWISE_STAGES } from "./testing/patterns.ts";
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
});
