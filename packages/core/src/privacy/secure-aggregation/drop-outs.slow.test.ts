import { describe, expect, it } from "vitest";
import { chooseGraph } from "./parameters.ts";
import { allPatterns, CODED_STAGES, checkPattern, PAIRWISE_STAGES, randomPattern } from "./testing/patterns.ts";
import { cachedCurves, testPlan } from "./testing/rounds.ts";

const curves = cachedCurves();

describe("random patterns", () => {
  it.each(Array.from({ length: 58 }, (_, i) => 7 + i))("of %d clients add up exactly in all protocols", async (n) => {
    const sparse = chooseGraph({ clients: n, corrupted: 0.05, dropped: 0.25, privacyBits: 8, correctnessBits: 4 });
    const coded = { protocol: "coded", privacy: 2, threshold: Math.floor((n + 2) / 2) + 1 } as const;
    for (const given of [{ threshold: Math.floor(n / 2) + 1 }, sparse, coded]) {
      const plan = testPlan(n, { ...given, length: 40 });
      const stages = plan.protocol === "coded" ? CODED_STAGES.length : PAIRWISE_STAGES.length;
      await checkPattern(plan, randomPattern(plan.cohort.length, stages), curves);
    }
  });
});

/** Six clients: drop-outs.exhaustive.test.ts. */
describe("every client drops out at any stage or stays", () => {
  it.each([4, 5])("all patterns of %d clients with pairwise masks", async (clients) => {
    let sums = 0;
    for (const pattern of allPatterns(clients, PAIRWISE_STAGES.length)) {
      if (await checkPattern(testPlan(clients), pattern, curves)) sums++;
    }
    expect(sums).toBeGreaterThan(0);
  });

  it("all patterns of 5 clients in a ring", async () => {
    let sums = 0;
    for (const pattern of allPatterns(5, PAIRWISE_STAGES.length)) {
      if (await checkPattern(testPlan(5, { degree: 2, threshold: 2 }), pattern, curves)) sums++;
    }
    expect(sums).toBeGreaterThan(0);
  });

  it.each([4, 5])("all patterns of %d clients with coded masks", async (clients) => {
    const plan = testPlan(clients, { protocol: "coded", threshold: clients - 1, privacy: 1, length: 7 });
    let sums = 0;
    for (const pattern of allPatterns(clients, CODED_STAGES.length)) {
      if (await checkPattern(plan, pattern, curves)) sums++;
    }
    // All stay, or one of them drops out at one of five stages.
    expect(sums).toBe(1 + 5 * clients);
  });
});
