import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PrivacyEvent } from "./events.ts";
import { rdpAccountant } from "./rdp-accountant.ts";
import { fractionalOrders } from "./rdp-conversion.ts";
import { renyiDivergences } from "./rdp-curve.ts";
import { sampledGaussianQuadrature } from "./rdp-sampled-gaussian.ts";
import { sampledGaussianSeries } from "./rdp-series.ts";

const rate = fc.double({ min: 1e-4, max: 0.99, noNaN: true });
const noise = fc.double({ min: 0.05, max: 20, noNaN: true });
const rounds = fc.integer({ min: 1, max: 20_000 });
const delta = fc.double({ min: 1e-12, max: 0.1, noNaN: true });
const runs = { numRuns: 40 };

function poisson(samplingRate: number, noiseMultiplier: number, count = 1): PrivacyEvent {
  return { kind: "poisson-gaussian", adjacency: "add-or-remove", samplingRate, noiseMultiplier, count };
}

const accountant = rdpAccountant();
const epsilon = (q: number, sigma: number, count: number, at: number) =>
  accountant.epsilon([poisson(q, sigma, count)], at).epsilon;
/** Room for rounding. */
const slack = (value: number) => 1e-9 * Math.max(1, value);

describe("epsilon by Rényi divergences", () => {
  it("falls with noise and delta, rises with sampling rate and rounds", () => {
    fc.assert(
      fc.property(rate, noise, rounds, delta, fc.double({ min: 1, max: 4, noNaN: true }), (q, sigma, count, at, by) => {
        const base = epsilon(q, sigma, count, at);
        expect(epsilon(q, sigma * by, count, at)).toBeLessThanOrEqual(base + slack(base));
        expect(epsilon(q / by, sigma, count, at)).toBeLessThanOrEqual(base + slack(base));
        expect(epsilon(q, sigma, Math.ceil(count / by), at)).toBeLessThanOrEqual(base + slack(base));
        expect(epsilon(q, sigma, count, Math.min(0.5, at * by))).toBeLessThanOrEqual(base + slack(base));
      }),
      runs,
    );
  });

  it("is never larger with the tight conversion, nor with fractional orders added", () => {
    const integer = rdpAccountant({ orders: "integer" });
    const classic = rdpAccountant({ conversion: "classic" });
    fc.assert(
      fc.property(rate, noise, rounds, delta, (q, sigma, count, at) => {
        const base = epsilon(q, sigma, count, at);
        const events = [poisson(q, sigma, count)];
        expect(base).toBeLessThanOrEqual(integer.epsilon(events, at).epsilon + slack(base));
        expect(base).toBeLessThanOrEqual(classic.epsilon(events, at).epsilon + slack(base));
      }),
      runs,
    );
  });

  it("and delta at that epsilon give each other back", () => {
    fc.assert(
      fc.property(rate, noise, rounds, delta, (q, sigma, count, at) => {
        const { epsilon: spent } = accountant.epsilon([poisson(q, sigma, count)], at);
        fc.pre(spent > 0);
        const back = accountant.delta([poisson(q, sigma, count)], spent).delta;
        expect(Math.abs(Math.log(back / at))).toBeLessThan(1e-6);
      }),
      runs,
    );
  });
});

describe("Rényi divergences", () => {
  it("do not fall with the order, nor below 0, and are those of Gaussian noise without sampling", () => {
    fc.assert(
      fc.property(fc.oneof(rate, fc.constant(1)), noise, (q, sigma) => {
        const found = renyiDivergences(poisson(q, sigma), fractionalOrders);
        found.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(i === 0 ? 0 : found[i - 1]! * (1 - 1e-9));
          const unsampled = fractionalOrders[i]! / (2 * sigma * sigma);
          if (q === 1) expect(value / unsampled).toBeCloseTo(1, 14);
          else expect(value).toBeLessThanOrEqual(unsampled * (1 + 1e-9));
        });
      }),
      runs,
    );
  });

  it("by series and by quadrature agree where both apply", () => {
    const order = fc.double({ min: 1.2, max: 30, noNaN: true });
    const sigma = fc.double({ min: 0.1, max: 3, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 0.9, noNaN: true }), sigma, order, (q, s, a) => {
        const series = sampledGaussianSeries(q, s, a);
        const [quadrature] = sampledGaussianQuadrature(q, s, [a]);
        expect(Math.abs(series - quadrature!)).toBeLessThan(1e-11 * Math.max(1, series));
      }),
      { numRuns: 200 },
    );
  });

  it("join integer orders without a step: quadrature at integers is the binomial sum", () => {
    for (const [q, sigma] of [
      [0.1, 0.8],
      [1e-4, 0.4],
      [0.3, 5],
      [1e-3, 50],
    ] as const) {
      const orders = [2, 3, 5, 10];
      const sums = renyiDivergences(poisson(q, sigma), orders);
      sampledGaussianQuadrature(q, sigma, orders).forEach((moment, i) => {
        expect(moment / (orders[i]! - 1) / sums[i]!).toBeCloseTo(1, 9);
      });
    }
  });

  it("have no step beside an integer order, however large the order and small the rate", () => {
    const wrong: string[] = [];
    for (const q of [1e-35, 1e-8, 1e-4, 0.1, 0.9]) {
      for (const sigma of [1e-3, 0.05, 0.0999, 0.1, 0.5, 1, 100]) {
        for (const order of [2, 8, 64, 100, 256, 1000]) {
          const [at, beside] = renyiDivergences(poisson(q, sigma), [order, order + 1e-9]);
          if (Math.abs(beside! - at!) > 1e-13 + 1e-5 * at!) wrong.push(`${q} ${sigma} ${order}: ${at} ${beside}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("of removing a client bound those of adding one, at fractional orders too", () => {
    for (const [q, sigma] of [
      [0.3, 1],
      [0.01, 0.6],
      [0.8, 2],
    ] as const) {
      const orders = [1.1, 1.5, 3.7, 20.3];
      const found = renyiDivergences(poisson(q, sigma), orders);
      orders.forEach((order, i) => {
        // E over z ~ N(0, sigma^2) of (1 - q + q e^((2z - 1) / (2 sigma^2)))^(1 - order): exchanged distributions.
        let sum = 0;
        const step = sigma / 64;
        for (let z = -12 * sigma; z < 12 * sigma; z += step) {
          const ratio = 1 - q + q * Math.exp((2 * z - 1) / (2 * sigma * sigma));
          sum +=
            (step * Math.exp((-z * z) / (2 * sigma * sigma)) * ratio ** (1 - order)) / Math.sqrt(2 * Math.PI) / sigma;
        }
        const added = Math.log(sum) / (order - 1);
        expect(added).toBeGreaterThan(0);
        expect(added).toBeLessThanOrEqual(found[i]! * (1 + 1e-9));
      });
    }
  });

  it("end, and are numbers, at the ends of what an event may say", () => {
    for (const sigma of [5e-324, 1e-160, 1e-101, 1e99, 1e160, Number.MAX_VALUE]) {
      for (const q of [5e-324, 1e-300, 0.5, 1 - 2 ** -53]) {
        for (const value of renyiDivergences(poisson(q, sigma), [1.1, 2, 10.9, 256])) {
          expect(value).toBeGreaterThanOrEqual(0);
          if (sigma > 1) expect(value).toBeLessThan(1e-90);
        }
      }
    }
  });

  it("keep their digits where they are tiny: order q^2 / 2 (e^(1/sigma^2) - 1) to first order", () => {
    const [found] = renyiDivergences(poisson(1e-7, 5), [1.5]);
    expect(found! / (0.5 * 1.5 * 1e-14 * Math.expm1(1 / 25))).toBeCloseTo(1, 5);
  });

  it("with hardly any noise stay finite and near those without sampling", () => {
    const [low, high] = renyiDivergences(poisson(0.5, 0.01), [1.5, 8]);
    // (1 - q) is left out of the mixture by ln(q) order / (order - 1) at most.
    expect(low! - (1.5 / 2e-4 + 3 * Math.log(0.5))).toBeCloseTo(0, 6);
    expect(high! - (8 / 2e-4 + (8 / 7) * Math.log(0.5))).toBeCloseTo(0, 6);
  });

  it("of Laplace noise are those of the densities", () => {
    for (const scale of [0.3, 1, 5]) {
      const event = { kind: "laplace", noiseMultiplier: scale, adjacency: "add-or-remove", count: 1 } as const;
      const [found] = renyiDivergences(event, [2.5]);
      // E over x ~ Laplace(0, b) of (q(x) / p(x))^(1 - a) by the midpoint rule, q centred at 1; the kinks are cell edges.
      let sum = 0;
      const step = 1 / 1000;
      for (let i = -40_000 * scale; i < 1000 + 40_000 * scale; i++) {
        const x = (i + 0.5) * step;
        const log = (-2.5 * Math.abs(x) + 1.5 * Math.abs(x - 1)) / scale;
        sum += (Math.exp(log) * step) / (2 * scale);
      }
      expect(found! / (Math.log(sum) / 1.5)).toBeCloseTo(1, 5);
    }
  });
});
