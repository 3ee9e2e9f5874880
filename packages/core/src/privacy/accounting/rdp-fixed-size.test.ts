import { describe, expect, it } from "vitest";
import { createAccountant } from "./create-accountant.ts";
import { type PrivacyEventInput, parseEvent } from "./events.ts";
import { gaussianEpsilon } from "./gaussian.ts";
import { rdpAccountant } from "./rdp-accountant.ts";
import { fractionalOrders } from "./rdp-conversion.ts";
import { renyiDivergences } from "./rdp-curve.ts";
import { fixedSizeDivergences } from "./rdp-fixed-size.ts";
import { sampledGaussianDivergences } from "./rdp-sampled-gaussian.ts";
import { logFactorials, logNormalCdf } from "./special-functions.ts";

const rates = [1e-9, 1e-3, 0.01, 0.1, 0.3, 0.7, 0.999];
const noises = [0.09, 0.11, 0.7, 1, 2, 10, 100, 1e30];
const grid = rates.flatMap((rate) => noises.map((sigma) => ({ rate, sigma })));
const epsilonOf = (population: number, cohort: number, noiseMultiplier: number, count: number, delta: number) =>
  rdpAccountant().epsilon([{ kind: "fixed-size-gaussian", population, cohort, noiseMultiplier, count }], delta).epsilon;

/** The general bound for any mechanism at whole orders: Wang, Balle, Kasiviswanathan, arXiv:1808.00087, Theorem 9. */
function generalBound(rate: number, sigma: number, order: number): number {
  const factorials = logFactorials(order);
  const unsampled = (j: number) => (2 * j) / sigma ** 2;
  let sum = 1;
  for (let j = 2; j <= order; j++) {
    const binomial = Math.exp(factorials[order]! - factorials[j]! - factorials[order - j]!);
    const e2 = Math.exp(unsampled(2));
    const factor = j === 2 ? Math.min(4 * (e2 - 1), 2 * e2) : 2 * Math.exp((j - 1) * unsampled(j));
    sum += binomial * rate ** j * factor;
  }
  return Math.min(Math.log(sum) / (order - 1), unsampled(order));
}

type Point = readonly [number, number];

/** Divergence of (1 - q) N(y) + q N(x) from (1 - q) N(y) + q N(x') in the plane, by sums over a grid. */
function planeDivergence(q: number, sigma: number, order: number, points: readonly [Point, Point, Point]): number {
  const [step, reach, scale] = [sigma / 5, 9 * sigma + 2 * order + 2, 2 * sigma * sigma];
  const at = ([x, y]: Point, i: number, j: number) => Math.exp(-((i - x) ** 2 + (j - y) ** 2) / scale);
  let sum = 0;
  for (let i = -reach; i <= reach; i += step) {
    for (let j = -reach; j <= reach; j += step) {
      const [with1, with2, rest] = points.map((point) => at(point, i, j));
      const [p, r] = [(1 - q) * rest! + q * with1!, (1 - q) * rest! + q * with2!];
      if (r > 1e-280) sum += (p / r) ** order * r;
    }
  }
  return Math.log((sum * step * step) / (Math.PI * scale)) / (order - 1);
}

/** Divergence of the whole release for one-number updates: cohorts are enumerated, and one client's update replaced. */
function enumerated(others: readonly number[], cohort: number, pair: Point, sigma: number, order: number): number {
  const sums = (values: readonly number[], take: number): number[] =>
    take === 0 ? [0] : values.flatMap((value, i) => sums(values.slice(i + 1), take - 1).map((rest) => rest + value));
  const [p, r] = pair.map((own) => sums([own, ...others], cohort));
  const density = (means: readonly number[], x: number) =>
    means.reduce((sum, mean) => sum + Math.exp(-((x - mean) ** 2) / (2 * sigma * sigma)), 0) / means.length;
  const step = sigma / 40;
  let sum = 0;
  for (let x = -cohort - 2 * order - 9 * sigma; x <= cohort + 2 * order + 9 * sigma; x += step) {
    const base = density(r!, x);
    if (base > 1e-280) sum += base * (density(p!, x) / base) ** order;
  }
  return Math.log((sum * step) / (sigma * Math.sqrt(2 * Math.PI))) / (order - 1);
}

describe("Rényi divergences of fixed-size sampling", () => {
  it("of order 2 and 3, by hand: rate 0.1, noise 4", () => {
    const [half, second, between, third] = fixedSizeDivergences(0.1, 4, [1.5, 2, 2.5, 3]);
    expect(second).toBeCloseTo(Math.log1p(0.01 * Math.expm1(0.25)), 14);
    // the moment of the pair, and what may be missing of it below a likelihood ratio of 1: -E[u^3; u<0]
    const pair = 3 * 0.01 * Math.expm1(0.25) + 0.001 * (Math.exp(0.75) - 3 * Math.exp(0.25) + 2);
    const below = [0, 1, 2, 3].map((k) => Math.exp((k * (k - 1)) / 8 + logNormalCdf((1 - 2 * k) / 4)));
    const missing = 0.001 * (below[0]! - 3 * below[1]! + 3 * below[2]! - below[3]!);
    expect(third).toBeCloseTo(Math.log1p(pair + missing) / 2, 14);
    expect(between).toBeGreaterThan(second!);
    expect(between).toBeLessThan(third!);
    expect(half).toBeLessThanOrEqual(second!);
  });

  it("are at most the general bound, and at least those of the worst pair", () => {
    const wrong: string[] = [];
    for (const { rate, sigma } of grid) {
      const found = fixedSizeDivergences(rate, sigma, fractionalOrders);
      const pair = sampledGaussianDivergences(rate, sigma / 2, fractionalOrders);
      fractionalOrders.forEach((order, i) => {
        const label = `rate ${rate}, noise ${sigma}, order ${order}: ${found[i]}`;
        if (!(found[i]! >= pair[i]! * (1 - 1e-10))) wrong.push(`${label}, pair ${pair[i]}`);
        if (!Number.isInteger(order) || order > 8) return;
        const general = generalBound(rate, sigma, order);
        if (general > 1e-6 && !(found[i]! <= general)) wrong.push(`${label}, general ${general}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it("are less than a third of the general bound where noise is large", () => {
    const [found] = fixedSizeDivergences(0.1, 8, [8]);
    expect(found! / generalBound(0.1, 8, 8)).toBeLessThan(0.3);
    // from 3.6676 by the general bound
    expect(epsilonOf(1000, 100, 8, 300, 2e-3)).toBeCloseTo(1.2673, 4);
  });

  it("rise with order and rate and fall with noise", () => {
    const wrong: string[] = [];
    for (const { rate, sigma } of grid) {
      const found = fixedSizeDivergences(rate, sigma, fractionalOrders);
      const more = fixedSizeDivergences(Math.min(0.9999, rate * 1.05), sigma, fractionalOrders);
      const noisier = fixedSizeDivergences(rate, sigma * 1.02, fractionalOrders);
      found.forEach((value, i) => {
        const before = i === 0 ? 0 : found[i - 1]!;
        const rises = value > 0 && value >= before * (1 - 1e-9) && more[i]! >= value * (1 - 1e-9);
        const falls = noisier[i]! <= value * (1 + 1e-9);
        if (!(rises && falls)) wrong.push(`rate ${rate}, noise ${sigma}, order ${fractionalOrders[i]}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it("bound neighbours in the plane, triangles of every form", () => {
    const turned = (angle: number): Point => [Math.cos(angle), Math.sin(angle)];
    const start: Point = [-1, 0];
    const triangles: (readonly [Point, Point, Point])[] = [
      [[1, 0], start, start],
      [start, [1, 0], start],
      [[1, 0], start, [0, 0]],
      [[1, 0], turned(Math.PI / 2), start],
      [turned(1), turned(-1), start],
      [[1, 0], turned(2.8), start],
      [turned(2), turned(0.4), [-0.3, 0.2]],
    ];
    for (const points of triangles) {
      for (const q of [0.05, 0.4, 0.9]) {
        for (const sigma of [1, 3]) {
          const orders = [1.3, 2, 3.5];
          fixedSizeDivergences(q, sigma, orders).forEach((bound, i) => {
            const exact = planeDivergence(q, sigma, orders[i]!, points);
            expect(bound, `${JSON.stringify(points)} ${q} ${sigma} ${orders[i]}`).toBeGreaterThan(exact * (1 - 1e-6));
          });
        }
      }
    }
  });

  it.each([1, 2, 3, 4])("bound releases of cohorts of %i among 5 clients, every cohort counted", (cohort) => {
    for (const others of [
      [-1, -1, -1, -1],
      [1, -1, 0.5, -0.2],
      [0, 0, 0, 0],
    ]) {
      for (const pair of [
        [1, -1],
        [-1, 1],
        [1, 0],
        [0.3, -0.9],
      ] as const) {
        for (const sigma of [1, 4]) {
          const orders = [1.5, 2, 4];
          fixedSizeDivergences(cohort / 5, sigma, orders).forEach((bound, i) => {
            expect(bound).toBeGreaterThan(enumerated(others, cohort, pair, sigma, orders[i]!) * (1 - 1e-6));
          });
        }
      }
    }
    // the worst pair is one of these
    const worst = enumerated([-1, -1, -1, -1], cohort, [1, -1], 1, 4);
    expect(fixedSizeDivergences(cohort / 5, 1, [4])[0]! / worst).toBeLessThan(1.001);
  });
});

describe("epsilon of fixed-size sampling", () => {
  it("is at least that of the worst pair by loss distributions, and at most 1.4 times it", () => {
    for (const [population, cohort, noise, rounds, delta] of [
      [1000, 100, 8, 300, 2e-3],
      [100, 10, 4, 100, 1e-5],
      [10, 1, 2, 10, 1e-3],
      [10, 9, 10, 100, 1e-5],
      [6, 2, 1, 3, 1e-5],
    ] as const) {
      const event = { kind: "poisson-gaussian", samplingRate: cohort / population, count: rounds } as const;
      const worst = createAccountant("pld").epsilon([{ ...event, noiseMultiplier: noise / 2 }], delta);
      const ratio = epsilonOf(population, cohort, noise, rounds, delta) / worst.epsilon;
      expect(ratio).toBeGreaterThan(1);
      expect(ratio).toBeLessThan(1.4);
    }
  });

  it("of everyone is that of Gaussian noise with twice the sensitivity, and sampling never costs", () => {
    const all = { kind: "fixed-size-gaussian", population: 20, cohort: 20, noiseMultiplier: 3 } as const;
    const plain: PrivacyEventInput = { kind: "gaussian", adjacency: "replace-one", noiseMultiplier: 3 };
    const spent = (event: PrivacyEventInput) => rdpAccountant().epsilon([event], 1e-5).epsilon;
    expect(spent(all)).toBe(spent(plain));
    expect(createAccountant("gaussian").epsilon([all], 1e-5).epsilon).toBe(gaussianEpsilon(2 / 3, 1e-5));
    let before = 0;
    for (let cohort = 1; cohort <= 20; cohort++) {
      const found = spent({ ...all, cohort });
      expect(found).toBeGreaterThanOrEqual(before);
      before = found;
    }
    const nearly = fixedSizeDivergences(1 - 1e-12, 3, fractionalOrders);
    nearly.forEach((value, i) => {
      expect(value / ((2 * fractionalOrders[i]!) / 9)).toBeCloseTo(1, 9);
    });
  });

  it("has no noise, no privacy", () => {
    const event = parseEvent({ kind: "fixed-size-gaussian", population: 9, cohort: 3, noiseMultiplier: 0 });
    expect([...renyiDivergences(event, [2, 3])]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});
