import { describe, expect, it } from "vitest";
import { calibrateNoise, calibrateRounds } from "./calibration.ts";
import { createAccountant } from "./create-accountant.ts";
import { groupEvents, type PrivacyEventInput, parseEvent } from "./events.ts";
import { explain } from "./meaning.ts";
import { rdpAccountant } from "./rdp-accountant.ts";
import { renyiDivergences } from "./rdp-curve.ts";

const rdp = rdpAccountant();
const adjacency = "zero-out";
const concentrated = (rho: number, count = 1) => ({ kind: "zero-concentrated", rho, adjacency, count }) as const;
const skellam = (l1: number, l2: number, variance: number) =>
  ({ kind: "skellam", l1, l2, variance, adjacency }) as const;
const divergences = (event: PrivacyEventInput, orders: readonly number[]) => [
  ...renyiDivergences(parseEvent(event), orders),
];

describe("zero-concentrated releases", () => {
  it("diverge by rho times the order, as Gaussian noise of z = 1 / sqrt(2 rho) does", () => {
    expect(divergences(concentrated(0.03), [1.5, 2, 100])).toEqual([0.045, 0.06, 3]);
    const gaussian = { kind: "gaussian", noiseMultiplier: 4 } as const;
    expect(rdp.epsilon([concentrated(1 / 32, 7)], 1e-5).epsilon).toBe(
      rdp.epsilon([{ ...gaussian, count: 7 }], 1e-5).epsilon,
    );
  });

  it("compose with other events, and count as one where they are equal", () => {
    const both: PrivacyEventInput[] = [
      concentrated(0.1),
      { kind: "laplace", noiseMultiplier: 5, adjacency },
      concentrated(0.1, 2),
    ];
    expect(groupEvents(both).map(({ kind, count }) => [kind, count])).toEqual([
      ["laplace", 1],
      ["zero-concentrated", 3],
    ]);
    const apart = rdp.epsilon([concentrated(0.3), { kind: "laplace", noiseMultiplier: 5, adjacency }], 1e-5).epsilon;
    expect(rdp.epsilon(both, 1e-5).epsilon).toBeCloseTo(apart, 12);
  });
});

describe("Skellam noise", () => {
  it("by hand: orders 2 and 3, either term the smaller", () => {
    // l1 = l2^2 = 3, mu = 10: 2*3/20 + min(27/400, 9/20) and 3*3/20 + min(33/400, 9/20).
    const [second, third] = divergences(skellam(3, Math.sqrt(3), 10), [2, 3]);
    expect(second).toBeCloseTo(0.3 + 0.0675, 14);
    expect(third).toBeCloseTo(0.45 + 0.0825, 14);
    // mu = 1: 3 + min(27/4, 9/2).
    expect(divergences(skellam(3, Math.sqrt(3), 1), [2])[0]).toBeCloseTo(7.5, 14);
  });

  it("between whole orders is on the chord of (order - 1) times the divergence, which is 0 at order 1", () => {
    const [low, two, between, three] = divergences(skellam(5, 2, 9), [1.1, 2, 2.5, 3]);
    expect(low).toBeCloseTo(two!, 12);
    expect(between).toBeCloseTo((0.5 * two! + 0.5 * 2 * three!) / 1.5, 12);
  });

  it("is a bound on the divergence of one coordinate, summed up term by term", () => {
    for (const variance of [2, 8, 40]) {
      // P(x) as the sum over pairs of Poisson variates of mean variance / 2 that differ by x, up to a constant.
      const weights = Array.from({ length: 121 }, (_, i) => {
        const x = Math.abs(i - 60);
        let term = 1;
        for (let k = 1; k <= x; k++) term *= variance / 2 / k;
        let sum = 0;
        for (let k = 0; k < 200; k++) {
          sum += term;
          term *= (variance / 2) ** 2 / ((k + 1) * (k + 1 + x));
        }
        return sum;
      });
      const total = weights.reduce((sum, w) => sum + w, 0);
      for (const shift of [1, 2, 3]) {
        for (const order of [2, 3, 5]) {
          let sum = 0;
          for (let i = 0; i < weights.length - shift; i++) {
            sum += (weights[i]! / total) * (weights[i]! / weights[i + shift]!) ** (order - 1);
          }
          const [bound] = divergences(skellam(shift, shift, variance), [order]);
          const exact = Math.log(sum) / (order - 1);
          expect(bound).toBeGreaterThan(exact);
          if (variance === 40 && shift === 1) expect(bound! / exact).toBeLessThan(1.15);
        }
      }
    }
  });

  it("of large variance costs what Gaussian noise costs", () => {
    const whole = rdpAccountant({ orders: "integer" });
    const gaussian = whole.epsilon([{ kind: "gaussian", noiseMultiplier: 2, count: 10 }], 1e-5).epsilon;
    // In steps of 1 / s: l2 = s, l1 = s sqrt(d), variance = 4 s^2, d = 10^4.
    const found = [10, 1000, 1e5].map(
      (s) => whole.epsilon([{ ...skellam(Math.min(s * s, 100 * s), s, 4 * s * s), count: 10 }], 1e-5).epsilon,
    );
    expect(found[0]).toBeGreaterThan(found[1]!);
    expect(found[1]).toBeGreaterThan(found[2]!);
    expect(found[2]! / gaussian).toBeCloseTo(1, 5);
    expect(found[2]!).toBeGreaterThan(gaussian);
  });
});

describe("both", () => {
  const events = [concentrated(0.1), skellam(3, 2, 100)];

  it.each(events)("$kind is refused where only a loss distribution or Gaussian noise will do", (event) => {
    for (const name of ["pld", "gaussian"]) {
      expect(() => createAccountant(name).epsilon([event], 1e-5)).toThrow(
        expect.objectContaining({ code: "privacy/unsupported" }),
      );
    }
  });

  it.each(events)("$kind states its assumptions, trusts no server, and is explained", (event) => {
    const statement = rdp.epsilon([event], 1e-5);
    const text = statement.assumptions.join("\n");
    expect(text).toMatch(/zero-out[\s\S]*amplification by sampling is not counted[\s\S]*honest clients/);
    expect(text).not.toContain("trusted server");
    expect(statement.warnings).toEqual([]);
    expect(explain(statement, [event])).toEqual([expect.stringContaining("a client's updates rather than zeros")]);
  });

  it("can be calibrated to a target, in noise and in rounds", () => {
    const target = { accountant: rdp, targetEpsilon: 3, delta: 1e-6 };
    const noise = calibrateNoise(target, (z) => [concentrated(1 / (2 * z * z), 50)]);
    const plain = calibrateNoise(target, (z) => [{ kind: "gaussian", noiseMultiplier: z, count: 50 }]);
    expect(noise.noiseMultiplier).toBeCloseTo(plain.noiseMultiplier, 12);
    const { rounds, statement } = calibrateRounds(target, (n) =>
      n === 0 ? [] : [{ ...skellam(100, 10, 1e5), count: n }],
    );
    expect(statement.epsilon).toBeLessThanOrEqual(3);
    expect(rdp.epsilon([{ ...skellam(100, 10, 1e5), count: rounds + 1 }], 1e-6).epsilon).toBeGreaterThan(3);
  });

  it.each([
    [{ kind: "zero-concentrated", rho: -1 }, "rho"],
    [{ kind: "zero-concentrated", rho: Number.POSITIVE_INFINITY }, "rho"],
    [{ kind: "zero-concentrated", rho: 1, noiseMultiplier: 1, adjacency }, "form"],
    [{ kind: "skellam", l1: 1, l2: 0, variance: 1 }, "l2"],
    [{ kind: "skellam", l1: Number.NaN, l2: 1, variance: 1 }, "l1"],
    [{ kind: "skellam", l1: 1, l2: 1, variance: 0 }, "variance"],
    [{ kind: "skellam", l1: 1, l2: 1 }, "variance"],
    [{ kind: "skellam", l1: 1, l2: 1, variance: 1 }, "adjacency"],
    [{ kind: "zero-concentrated", rho: 1, adjacency: "add-or-remove" }, "adjacency"],
  ])("refuses %j", (event, part) => {
    const call = () => rdp.epsilon([event as PrivacyEventInput], 1e-5);
    expect(call).toThrow(expect.objectContaining({ code: "privacy/event" }));
    expect(call).toThrow(part);
  });
});
