import { describe, expect, it } from "vitest";
import { calibrateNoise, rdpAccountant } from "../accounting/index.ts";
import { discreteMechanism, type IntegerNoise, type MechanismDemand } from "./discrete-mechanism.ts";
import { discreteGaussianSumRho, privacyEventOf } from "./privacy-event.ts";

const kinds: readonly IntegerNoise[] = ["discrete-gaussian", "skellam"];
const demand = { size: 1_000_000, modulus: 2 ** 18, noiseMultiplier: 1, survivors: 80, cohort: 100 };
const eventOf = (distribution: IntegerNoise, changed: Partial<MechanismDemand> = {}) =>
  privacyEventOf(discreteMechanism({ distribution, ...demand, ...changed }));
const accountant = rdpAccountant();
// Whole orders, which are what Skellam noise has formulas for.
const whole = rdpAccountant({ orders: "integer" });
const epsilonOf = (event: ReturnType<typeof privacyEventOf>) => whole.epsilon([event], 1e-5).epsilon;

describe("a sum of discrete Gaussian noise", () => {
  it("of one share is a discrete Gaussian: D^2 / (2 sigma^2)", () => {
    expect(discreteGaussianSumRho(3, 1000, 9, 1)).toBe(0.5);
  });

  it("of few small shares, by hand", () => {
    // n = 2, sigma^2 = 1/4: tau = 10 exp(-pi^2 / 4) = 0.848050, D^2 / (n sigma^2) = 2; 2 tau d is the smaller for d = 1.
    const tau = 0.84805;
    expect(discreteGaussianSumRho(1, 1, 0.25, 2)).toBeCloseTo((2 + 2 * tau) / 2, 5);
    // (sqrt 2 + 100 tau)^2 is the smaller for d = 10^4.
    expect(discreteGaussianSumRho(1, 10_000, 0.25, 2)).toBeCloseTo((Math.SQRT2 + 100 * tau) ** 2 / 2, 1);
    // n = 3, sigma^2 = 1: tau = 10 (exp(-pi^2) + exp(-4 pi^2 / 3)) = 10 (5.172318e-5 + 1.927151e-6).
    expect(discreteGaussianSumRho(3, 1, 1, 3)).toBeCloseTo((3 + 2 * 5.365033e-4) / 2, 9);
  });

  it("bounds every divergence of the sum itself, convolved in logarithms", () => {
    const reach = 60;
    const logSum = (terms: readonly number[]) => {
      const largest = Math.max(...terms);
      return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
    };
    for (const variance of [0.25, 0.5, 1]) {
      const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => -((i - reach) ** 2) / (2 * variance));
      const share = weights.map((weight) => weight - logSum(weights));
      let sum = share;
      for (let n = 2; n <= 4; n++) {
        const before = sum;
        sum = share.map((_, s) => {
          const [from, to] = [Math.max(0, s - reach), Math.min(2 * reach, s + reach)];
          return logSum(before.slice(from, to + 1).map((p, i) => p + share[s + reach - from - i]!));
        });
        for (const shift of [1, 3]) {
          const rho = discreteGaussianSumRho(shift, 1, variance, n);
          for (const order of [1.01, 2, 4]) {
            const terms = sum.slice(shift).map((p, i) => order * sum[i]! + (1 - order) * p);
            const divergence = logSum(terms) / (order - 1);
            expect(divergence).toBeLessThan(order * rho);
            // At variance 1 the theorem is as good as exact: tau is below 1e-3.
            if (variance === 1) expect(divergence).toBeGreaterThan(0.99 * order * rho);
          }
        }
      }
    }
  });
});

describe.each(kinds)("the cost of a sum with %s noise", (kind) => {
  const gaussian = epsilonOf({ kind: "gaussian", noiseMultiplier: 1 });

  it("falls to that of Gaussian noise as the modulus grows, and never below", () => {
    const found = [12, 14, 16, 18, 20].map((bits) => epsilonOf(eventOf(kind, { modulus: 2 ** bits })));
    found.reduce((coarse, fine) => {
      expect(fine).toBeLessThan(coarse);
      return fine;
    });
    expect(found.at(-1)! / gaussian).toBeCloseTo(1, 4);
    expect(found.at(-1)).toBeGreaterThan(gaussian);
    // 2^12 leaves variance 2,601 for a share and a step that rounding in a million coordinates makes dear.
    expect(found[0]! / gaussian).toBeGreaterThan(1.5);
  });

  it("falls as noise grows, without exception", () => {
    for (const modulus of [2 ** 10, 65_521, 2 ** 24]) {
      let before = Number.POSITIVE_INFINITY;
      for (let z = 0.01; z < 300; z *= 1.03) {
        const found = epsilonOf(eventOf(kind, { modulus, noiseMultiplier: z }));
        expect(found, `modulus ${modulus}, z ${z}`).toBeLessThanOrEqual(before);
        before = found;
      }
    }
  });

  it("is what a target asks for, by a little more noise than Gaussian", () => {
    const target = { accountant, targetEpsilon: 8, delta: 1e-5 };
    const events = (z: number) => [{ ...eventOf(kind, { noiseMultiplier: z }), count: 20 }];
    const { noiseMultiplier, statement } = calibrateNoise(target, events);
    expect(statement.epsilon).toBeLessThanOrEqual(8);
    expect(accountant.epsilon(events(noiseMultiplier * (1 - 2e-4)), 1e-5).epsilon).toBeGreaterThan(8);
    const plain = calibrateNoise(target, (z) => [{ kind: "gaussian", noiseMultiplier: z, count: 20 }]).noiseMultiplier;
    expect(noiseMultiplier / plain).toBeGreaterThan(1);
    expect(noiseMultiplier / plain).toBeLessThan(1.01);
  });

  it("does not fall without end where rounding costs more than noise can cover", () => {
    const target = { accountant, targetEpsilon: 0.1, delta: 1e-5 };
    expect(() => calibrateNoise(target, (z) => [eventOf(kind, { modulus: 2 ** 10, noiseMultiplier: z })])).toThrow(
      expect.objectContaining({ code: "privacy/out-of-reach" }),
    );
  });

  it("is refused for noise that the theorem does not cover", () => {
    const mechanism = discreteMechanism({ distribution: kind, ...demand });
    expect(() => privacyEventOf({ ...mechanism, variance: 3 / 16 })).toThrow("invalid variance");
  });
});

it("Skellam's event is in steps of the grid, by hand: 1 / gamma = 8, d = 16, beta = e^-1/2", () => {
  const mechanism = {
    distribution: "skellam",
    size: 9,
    modulus: 1024,
    granularity: 1 / 8,
    variance: 2.5,
    bias: Math.exp(-0.5),
    survivors: 10,
  } as const;
  // 64 + 4 + (8 + 2) = 78; sqrt(16) sqrt(78) = 35.3 is below 78.
  expect(privacyEventOf(mechanism)).toEqual({
    kind: "skellam",
    l1: expect.closeTo(4 * Math.sqrt(78), 12),
    l2: expect.closeTo(Math.sqrt(78), 12),
    variance: 25,
    adjacency: "zero-out",
  });
  // 1 + 4 + (1 + 2) = 8 = l2^2, below 4 sqrt(8).
  expect(privacyEventOf({ ...mechanism, granularity: 1 })).toMatchObject({ l1: expect.closeTo(8, 12) });
});
