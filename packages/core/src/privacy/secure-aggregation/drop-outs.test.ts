import { describe, expect, it } from "vitest";
import type { SecurePlan } from "./check-plan.ts";
import { chooseGraph } from "./parameters.ts";
import {
  allPatterns,
  CODED_STAGES,
  checkPattern,
  oneStagePatterns,
  PAIRWISE_STAGES,
  type Pattern,
  randomPattern,
} from "./testing/patterns.ts";
import { cachedCurves, testPlan } from "./testing/rounds.ts";

// drop-outs.slow.test.ts has up to 64 clients, drop-outs.exhaustive.test.ts all patterns of 6
const curves = cachedCurves();

/** Runs patterns and returns how many gave a sum and how many were refused. */
async function count(plan: SecurePlan, patterns: Iterable<Pattern>): Promise<{ sums: number; ends: number }> {
  const result = { sums: 0, ends: 0 };
  for (const pattern of patterns) {
    if (await checkPattern(plan, pattern, curves)) result.sums++;
    else result.ends++;
  }
  return result;
}

describe("pairwise masks, complete graph", () => {
  it("add up exactly or end the round, whoever drops out at whatever stage: all patterns of 2 and 3 clients", async () => {
    const plan = testPlan(3, { threshold: 2 });
    // A sum needs 2 clients to the end: all 3 (1 way) or 2 of 3, the third at any of 5 stages (3 x 5 ways).
    expect(await count(plan, allPatterns(3, 5))).toEqual({ sums: 16, ends: 200 });
    expect(await count(testPlan(2), allPatterns(2, 5))).toEqual({ sums: 1, ends: 35 });
  });

  it.each([4, 5])("add up exactly for every set of %d clients that drops out at one stage", async (clients) => {
    const plan = testPlan(clients);
    const { sums, ends } = await count(plan, oneStagePatterns(clients, PAIRWISE_STAGES.length));
    expect(sums).toBeGreaterThan(0);
    expect(ends).toBeGreaterThan(0);
    expect(sums + ends).toBe(5 * (2 ** clients - 1));
  });
});

describe("pairwise masks, sparse graph", () => {
  it("add up exactly for every set of 6 clients in a ring that drops out at one stage", async () => {
    const plan = testPlan(6, { degree: 2, threshold: 2 });
    const { sums, ends } = await count(plan, oneStagePatterns(6, PAIRWISE_STAGES.length));
    expect(sums).toBeGreaterThan(0);
    expect(ends).toBeGreaterThan(0);
  });
});

describe("coded masks", () => {
  it("add up exactly for all patterns of 3 clients and all of 4 where the dropped drop out at one stage", async () => {
    // U = 3 of 3 with T = 1.
    expect(await count(testPlan(3, { protocol: "coded" }), allPatterns(3, 5))).toEqual({ sums: 1, ends: 215 });
    const plan = testPlan(4, { protocol: "coded", threshold: 3, privacy: 1, length: 7 });
    const { sums } = await count(plan, oneStagePatterns(4, CODED_STAGES.length));
    // At most one of four is away: 4 clients x 5 stages.
    expect(sums).toBe(20);
  });

  it("decode with any 4 of 6 clients (methods of the paper, U = 4, T = 1, d = 10)", async () => {
    const plan = testPlan(6, { protocol: "coded", threshold: 4, privacy: 1, length: 10 });
    const { sums } = await count(plan, oneStagePatterns(6, CODED_STAGES.length));
    // One or two of six away: (6 + 15) x 5 stages.
    expect(sums).toBe(105);
  });
});

describe("random patterns", () => {
  it.each([7, 12, 40])("of %d clients add up exactly in all protocols", async (clients) => {
    const sparse = chooseGraph({ clients, corrupted: 0.05, dropped: 0.25, privacyBits: 8, correctnessBits: 4 });
    if (clients === 40) expect(sparse.degree).toBeLessThan(39);
    const complete = { threshold: Math.floor(clients / 2) + 1 };
    const coded = { protocol: "coded", privacy: 2, threshold: Math.floor((clients + 2) / 2) + 1 } as const;
    let sums = 0;
    for (const given of [complete, sparse, coded]) {
      const plan = testPlan(clients, { ...given, length: 40 });
      const stages = plan.protocol === "coded" ? CODED_STAGES.length : PAIRWISE_STAGES.length;
      if (await checkPattern(plan, randomPattern(clients, stages), curves)) sums++;
    }
    expect(sums).toBeGreaterThanOrEqual(2);
  });
});
