import type { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { checkPlan } from "./check-plan.ts";
import { chooseGraph, codedParameters, completeThreshold } from "./parameters.ts";
import { neighbourhoods } from "./plan.ts";
import { testPlan } from "./testing/rounds.ts";

const refusal = (code: string) => expect.objectContaining({ code: `secure-aggregation/${code}` });

const choose = (n: number, k: number): bigint => {
  let product = 1n;
  for (let i = 1; i <= k; i++) product = (product * BigInt(n - k + i)) / BigInt(i);
  return k < 0 || k > n ? 0n : product;
};
/** P[low <= X <= high] of the hypergeometric distribution, by whole numbers. */
function tail(all: number, marked: number, drawn: number, low: number, high: number): number {
  let sum = 0n;
  for (let k = low; k <= high; k++) sum += choose(marked, k) * choose(all - marked, drawn - k);
  return Number((sum * 10n ** 40n) / choose(all, drawn)) / 1e40;
}

describe("the sparse graph", () => {
  it.each([
    [100, 0.1, 0.1],
    [100, 0.05, 0.3],
    [200, 0.2, 0.1],
    [1000, 0.1, 0.1],
  ])("of %d clients withstands %d corrupted and %d dropped, and is the smallest that does", (n, corrupted, dropped) => {
    const fails = (degree: number, threshold: number) => {
      const [bad, gone] = [Math.ceil(corrupted * n), Math.ceil((corrupted + dropped) * n)];
      const live = n - 1 - Math.ceil(dropped * n);
      const exposed = n * tail(n - 1, bad, degree, threshold, degree);
      const apart = (n ** 2 / 2) * tail(n - 1, gone, degree, degree, degree);
      const stuck = n * tail(n - 1, live, degree, 0, threshold - 1);
      return exposed > 2 ** -41 || apart > 2 ** -41 || stuck > 2 ** -20 || 2 * threshold <= degree + 1;
    };
    const { degree, threshold } = chooseGraph({ clients: n, corrupted, dropped });
    expect(fails(degree, threshold)).toBe(false);
    expect(fails(degree, threshold + 1)).toBe(true);
    for (let t = 1; t <= degree - 2; t++) expect(fails(degree - 2, t)).toBe(true);
  });

  it("grows with the logarithm of the cohort", () => {
    const degrees = [100, 1000, 10_000].map((clients) => chooseGraph({ clients, corrupted: 0.1, dropped: 0.1 }).degree);
    expect(degrees).toEqual([22, 48, 54]);
  });

  it("is complete for small cohorts and refused where nothing would do", () => {
    expect(chooseGraph({ clients: 5, corrupted: 0.1, dropped: 0.2 })).toEqual({ degree: 4, threshold: 4 });
    expect(chooseGraph({ clients: 10, corrupted: 0.1, dropped: 0.4 })).toEqual({ degree: 9, threshold: 6 });
    expect(chooseGraph({ clients: 10, corrupted: 0.5, dropped: 0.1 })).toEqual({ degree: 8, threshold: 7 });
    expect(() => chooseGraph({ clients: 10, corrupted: 0.3, dropped: 0.4 })).toThrow(refusal("parameters"));
    expect(() => chooseGraph({ clients: 3, corrupted: 0.1, dropped: 0.5 })).toThrow(refusal("parameters"));
    expect(() => chooseGraph({ clients: 2000, corrupted: 0.4, dropped: 0.5 })).toThrow(refusal("parameters"));
    expect(() => chooseGraph({ clients: 20, corrupted: 0.5, dropped: 0.5 })).toThrow(refusal("parameters"));
  });

  it("where complete keeps two sets from both being unmasked, leaves enough clients, and passes the checks of plans", () => {
    const complete: number[] = [];
    for (let clients = 2; clients <= 24; clients++) {
      for (const [corrupted, dropped] of [
        [0, 0],
        [0.1, 0.1],
        [0.3, 0.1],
        [0.1, 0.3],
        [0.5, 0.2],
      ] as const) {
        const [bad, gone] = [Math.ceil(corrupted * clients), Math.ceil(dropped * clients)];
        // t answers of honest ones and twice those of the corrupted: 2 t > n + bad; and t of n - gone must be there
        const least = Math.floor((clients + bad) / 2) + 1;
        let chosen: ReturnType<typeof chooseGraph>;
        try {
          chosen = chooseGraph({ clients, corrupted, dropped });
        } catch {
          expect(least).toBeGreaterThan(clients - gone);
          continue;
        }
        checkPlan(testPlan(clients, chosen));
        if (chosen.degree < clients - 1) continue;
        complete.push(clients);
        expect(chosen.threshold).toBeGreaterThanOrEqual(least);
        expect(chosen.threshold).toBeLessThanOrEqual(clients - gone);
      }
    }
    expect(complete.length).toBeGreaterThan(5);
  });

  it("is regular, mutual, without a centre, and another one under another nonce", () => {
    const plan = testPlan(40, { degree: 6, threshold: 4 });
    const near = neighbourhoods(plan);
    for (const [client, known] of near) {
      expect(known.length).toBe(7);
      expect(new Set(known).size).toBe(7);
      expect(known).toContain(client);
      expect(known).toEqual([...known].sort((a, b) => a - b));
      for (const other of known) expect(near.get(other)).toContain(client);
    }
    const other = neighbourhoods({ ...plan, nonce: new Uint8Array(32).fill(1) });
    expect(plan.cohort.some((client) => `${other.get(client)}` !== `${near.get(client)}`)).toBe(true);
  });
});

describe("thresholds", () => {
  it("of the complete graph are more than two thirds", () => {
    expect([2, 3, 6, 100].map(completeThreshold)).toEqual([2, 3, 5, 67]);
  });

  it("of LightSecAgg keep two sets of survivors from both being decoded, and fit the checks of plans", () => {
    for (let n = 2; n <= 60; n++) {
      for (const corrupted of [0.1, 0.5, 0.9]) {
        const { threshold, privacy } = codedParameters(n, corrupted);
        expect(2 * threshold).toBeGreaterThan(n + privacy);
        checkPlan(testPlan(n, { protocol: "coded", threshold, privacy }));
      }
    }
    expect(codedParameters(100)).toEqual({ threshold: 76, privacy: 50 });
  });
});

describe("a plan of coded masks", () => {
  it("is accepted just where no T colluders can have two sets of survivors agreed on", () => {
    for (let n = 2; n <= 16; n++) {
      for (let threshold = 2; threshold <= n; threshold++) {
        for (let privacy = 1; privacy < threshold; privacy++) {
          // honest clients sign one of two sets, colluders both
          const honest = n - privacy;
          const two = Array.from(
            { length: honest + 1 },
            (_, one) => Math.min(one, honest - one) + privacy >= threshold,
          );
          const check = () => checkPlan(testPlan(n, { protocol: "coded", threshold, privacy }));
          if (two.includes(true)) expect(check).toThrow(refusal("plan"));
          else expect(check).not.toThrow();
        }
      }
    }
  });

  it("that is refused says what would do", () => {
    const advice = (threshold: number, privacy: number) => {
      try {
        checkPlan(testPlan(10, { protocol: "coded", threshold, privacy }));
      } catch (error) {
        return (error as AnabranchError).failure.advice;
      }
      return undefined;
    };
    expect(advice(6, 2)).toMatch(/threshold \(U\) to at least 7, or assume at most 1 colluder\b/);
    expect(advice(7, 5)).toMatch(/at least 8, or assume at most 3 colluders\b/);
    expect(advice(5, 2)).toMatch(/at least 7\.$/);
    expect(advice(7, 3)).toBeUndefined();
  });
});

describe("a plan", () => {
  it.each([
    { cohort: [1] },
    { cohort: [1, 1, 2, 3, 4] },
    { cohort: [3, 2, 4, 5, 6] },
    { cohort: [0, 1, 2, 3, 2 ** 32 - 1] },
    { threshold: 2 },
    { threshold: 6 },
    { degree: 3 },
    { bits: 0 },
    { bits: 33 },
    { length: 0 },
    { privacy: 1 },
    { nonce: new Uint8Array(8) },
    { round: -1 },
    { protocol: "coded" as const, privacy: 3 },
    { protocol: "coded" as const, threshold: 3, privacy: 1 },
    { protocol: "coded" as const, bits: 20 },
    { protocol: "coded" as const, degree: 2 },
  ])("that would not work or not protect is refused: %j", (given) => {
    expect(() => checkPlan(testPlan(5, given))).toThrow(refusal("plan"));
  });

  it("with more neighbours than shares can have is refused", () => {
    expect(() => checkPlan(testPlan(257))).toThrow(refusal("plan"));
    checkPlan(testPlan(255));
    checkPlan(testPlan(1000, { degree: 48, threshold: 28 }));
  });
});
