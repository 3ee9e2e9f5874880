import { describe, expect, it } from "vitest";
import type { PrivacyEventInput } from "./events.ts";
import { gaussianAccountant } from "./exact-accountant.ts";
import { gaussianDelta } from "./gaussian.ts";
import { pldAccountant } from "./pld-accountant.ts";
import { type Direction, lossDistribution } from "./privacy-loss.ts";
import { rdpAccountant } from "./rdp-accountant.ts";

const pld = pldAccountant();

function poisson(samplingRate: number, noiseMultiplier: number, count = 1) {
  return { kind: "poisson-gaussian", adjacency: "add-or-remove", samplingRate, noiseMultiplier, count } as const;
}

/** delta at any epsilon, negative ones too, of one occurrence: P(loss > eps) - e^eps Q(loss > eps). */
function exactDelta(event: ReturnType<typeof poisson>, direction: Direction, epsilon: number): number {
  const out = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  lossDistribution(event, direction).tails(epsilon, out);
  return out.pAbove - Math.exp(epsilon) * out.qAbove;
}

describe("epsilon by privacy loss distributions", () => {
  // Rate, noise, rounds, delta, then epsilon of another program by FFT, and its grid error.
  it.each([
    [0.01, 1, 1000, 1e-5, 1.83, 0.05],
    [0.1, 0.8, 300, 2e-3, 13.46, 0.02],
    [0.1, 0.8, 300, 1e-5, 19.32, 0.02],
    [0.1, 0.95, 200, 2e-3, 7.3, 0.02],
    [0.1, 0.95, 300, 2e-3, 9.37, 0.02],
    [0.1, 2, 300, 1e-5, 4.18, 0.02],
    [0.2, 2, 100, 1e-5, 5.02, 0.02],
  ])("q = %d, sigma = %d, %d rounds, delta %d: %d", (q, sigma, rounds, delta, expected, error) => {
    const events = [poisson(q, sigma, rounds)];
    const { epsilon, lowerBound } = pld.epsilon(events, delta);
    expect(Math.abs(epsilon - expected)).toBeLessThan(error);
    expect(Math.abs(lowerBound! - expected)).toBeLessThan(error);
    expect(lowerBound).toBeLessThanOrEqual(epsilon);
    expect(epsilon - lowerBound!).toBeLessThanOrEqual(0.005 * epsilon);
    expect(epsilon).toBeLessThan(rdpAccountant().epsilon(events, delta).epsilon);
  });

  it("brackets close in on the same value as the grid grows", () => {
    const events = [poisson(0.02, 1.2, 2000)];
    const ends = [2048, 8192, 32_768].map((gridSize) => pldAccountant({ gridSize }).epsilon(events, 1e-6));
    for (let i = 1; i < ends.length; i++) {
      expect(ends[i]!.epsilon).toBeLessThanOrEqual(ends[i - 1]!.epsilon);
      expect(ends[i]!.lowerBound!).toBeGreaterThanOrEqual(ends[i - 1]!.lowerBound!);
      expect(ends[i]!.epsilon - ends[i]!.lowerBound!).toBeLessThan(
        (ends[i - 1]!.epsilon - ends[i - 1]!.lowerBound!) / 3,
      );
    }
  });
});

describe("known curves lie in the bracket", () => {
  function expectBracket(events: readonly PrivacyEventInput[], epsilon: number, exact: number, width: number) {
    const { delta, lowerBound } = pld.delta(events, epsilon);
    expect(lowerBound! / exact).toBeLessThanOrEqual(1 + 1e-9);
    expect(delta / exact).toBeGreaterThanOrEqual(1 - 1e-9);
    expect((delta - lowerBound!) / exact).toBeLessThan(width);
  }

  it.each([
    [0.5, 1],
    [1, 4.377178],
    [5, 0.3],
  ])("Gaussian noise %d at epsilon %d", (sigma, epsilon) => {
    const exact = gaussianDelta(1 / sigma, epsilon);
    expectBracket([{ kind: "gaussian", noiseMultiplier: sigma }], epsilon, exact, 1e-4);
    // Four releases with twice the noise are the same, and so is a mixture of kinds.
    const half = { kind: "poisson-gaussian", samplingRate: 1, noiseMultiplier: 2 * sigma, count: 2 } as const;
    const tree = { kind: "tree-gaussian", noiseMultiplier: 2 * sigma, steps: 3, participations: 1 } as const;
    expectBracket([half, tree], epsilon, exact, 1e-4);
  });

  it.each([
    [0.1, 1, 1.5],
    [0.01, 0.7, 0.2],
    [0.6, 3, 0.1],
  ])("one sampled release, q = %d, sigma = %d, at epsilon %d", (q, sigma, epsilon) => {
    const event = poisson(q, sigma);
    const exact = Math.max(exactDelta(event, "remove", epsilon), exactDelta(event, "add", epsilon));
    expectBracket([event], epsilon, exact, 1e-3);
  });

  it("a sampled release after a Gaussian one: the first curve averaged over the second loss", () => {
    const [event, sigma, epsilon] = [poisson(0.2, 1.5), 2, 0.8];
    const mu = 1 / sigma;
    const exact = (["remove", "add"] as const).map((direction) => {
      let sum = 0;
      const step = 0.001;
      for (let z = -9; z <= 9; z += step) {
        const loss = mu * z + (mu * mu) / 2;
        sum += (exactDelta(event, direction, epsilon - loss) * step * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
      }
      return sum;
    });
    const events = [event, { kind: "gaussian", noiseMultiplier: sigma } as const];
    expectBracket(events, epsilon, Math.max(...exact), 1e-3);
  });

  it("Laplace noise: one release by formula, two by averaging", () => {
    // delta(eps) = 1 - e^((eps - 1/b) / 2) below 1/b.
    const curve = (b: number, at: number) =>
      at >= 1 / b ? 0 : at <= -1 / b ? 1 - Math.exp(at) : -Math.expm1((at - 1 / b) / 2);
    const event = { kind: "laplace", noiseMultiplier: 1.25 } as const;
    expectBracket([event], 0.3, curve(1.25, 0.3), 1e-3);
    expect(pld.epsilon([event], 1e-9).epsilon).toBeCloseTo(0.8, 3);
    // Losses of one release under P: 1/b with probability 1/2, -1/b with e^(-1/b)/2, density e^((l - 1/b)/2)/4 between.
    const end = 1 / 1.25;
    let sum = 0.5 * curve(1.25, 0.3 - end) + 0.5 * Math.exp(-end) * curve(1.25, 0.3 + end);
    const step = end / 20_000;
    for (let loss = -end + step / 2; loss < end; loss += step) {
      sum += curve(1.25, 0.3 - loss) * 0.25 * Math.exp((loss - end) / 2) * step;
    }
    expectBracket([{ ...event, count: 2 }], 0.3, sum, 5e-3);
  });
});

it("Laplace noise: a client's norm spread over coordinates shows no more than in one of them", () => {
  const narrow = pldAccountant({ gridSize: 4096 });
  const at = (events: PrivacyEventInput[], epsilon: number) => narrow.delta(events, epsilon);
  for (const b of [0.4, 1, 3]) {
    for (const part of [0.5, 0.2]) {
      const parts = [part, 1 - part].map((share) => ({ kind: "laplace", noiseMultiplier: b / share }) as const);
      for (const epsilon of [0, 0.2 / b, 0.7 / b, 0.95 / b]) {
        const spread = at(parts, epsilon).lowerBound!;
        expect(spread).toBeLessThanOrEqual(at([{ kind: "laplace", noiseMultiplier: b }], epsilon).delta);
      }
    }
  }
});

describe("much noise, whose losses are as small as rounding errors", () => {
  // Epsilons by bisection of the exact curves in 60 digits.
  it.each([
    [1e3, 1e-5, 0.00193872496985971],
    [1e8, 1e-9, 9.023463499695956e-9],
    [1e11, 1e-13, 1.9383563072937885e-11],
    [1e14, 1e-15, 9.02346347510037e-15],
  ])("Gaussian noise %d at delta %d: %d, exactly and never below", (sigma, delta, expected) => {
    const events = [{ kind: "gaussian", noiseMultiplier: sigma } as const];
    const exact = gaussianAccountant().epsilon(events, delta).epsilon;
    expect(Math.abs(exact / expected - 1)).toBeLessThan(1e-11);
    const { epsilon, lowerBound } = pld.epsilon(events, delta);
    expect(epsilon).toBeGreaterThanOrEqual(exact);
    expect(lowerBound!).toBeLessThanOrEqual(exact);
  });

  it.each([
    [0.3, 1e9, 1e-10, 4.167081630711364e-11],
    [0.9, 1e9, 1e-10, 7.598330213693699e-10],
    [0.9, 1e11, 1e-12, 7.598330211278883e-12],
  ])("one sampled release, q = %d, sigma = %d at delta %d: at least %d", (q, sigma, delta, expected) => {
    const { epsilon, lowerBound } = pldAccountant({ gridSize: 16_384 }).epsilon([poisson(q, sigma)], delta);
    expect(epsilon).toBeGreaterThanOrEqual(expected);
    expect(lowerBound!).toBeLessThanOrEqual(expected);
  });

  it("is never below the exact epsilon of Gaussian noise, however often it was added", () => {
    const narrow = pldAccountant({ gridSize: 4096 });
    const below: string[] = [];
    for (let power = 0; power <= 12; power++) {
      for (const count of [1, 100, 10_000]) {
        const events = [{ kind: "gaussian", noiseMultiplier: 0.3 * 10 ** power, count } as const];
        for (const delta of [1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 0.1]) {
          const exact = gaussianAccountant().epsilon(events, delta).epsilon;
          const { epsilon, lowerBound } = narrow.epsilon(events, delta);
          if (epsilon < exact || lowerBound! > exact) below.push(`${delta} ${JSON.stringify(events)}`);
        }
      }
    }
    expect(below).toEqual([]);
  });
});

describe("order and grouping", () => {
  it("10,000 rounds with 20 distinct events: the same bits in any order, and as groups", () => {
    const one = (i: number) => poisson(0.01 + (i % 20) * 0.001, 1 + (i % 20) * 0.05);
    const rounds = Array.from({ length: 10_000 }, (_, i) => one(i));
    const groups = Array.from({ length: 20 }, (_, i) => ({ ...one(i), count: 500 }));
    const small = pldAccountant({ gridSize: 16_384 });
    const rdp = rdpAccountant();
    for (const accountant of [small, rdp]) {
      const spent = accountant.epsilon(groups, 1e-5);
      expect(accountant.epsilon(rounds, 1e-5)).toEqual(spent);
      expect(accountant.epsilon(rounds.toReversed(), 1e-5)).toEqual(spent);
    }
    // Twenty sums of Rényi divergences, each times 500, at one order.
    const order = rdpAccountant({ orders: [3] });
    const offset = Math.log(2 / 3) - (Math.log(1e-5) + Math.log(3)) / 2;
    const parts = groups.map((event) => order.epsilon([event], 1e-5).epsilon - offset);
    const summed = parts.reduce((sum, part) => sum + part, 0);
    expect(order.epsilon(rounds, 1e-5).epsilon).toBeCloseTo(summed + offset, 9);
  });

  it("nothing released costs nothing; without noise there is no guarantee", () => {
    for (const accountant of [pld, rdpAccountant(), gaussianAccountant()]) {
      expect(accountant.epsilon([], 1e-5).epsilon).toBe(0);
      expect(accountant.delta([], 0).delta).toBe(0);
      const silent = [{ kind: "gaussian", noiseMultiplier: 0 } as const];
      expect(accountant.epsilon(silent, 1e-5).epsilon).toBe(Number.POSITIVE_INFINITY);
      expect(accountant.delta(silent, 1).delta).toBe(1);
    }
    expect(pld.epsilon([poisson(0, 1, 100)], 1e-5).epsilon).toBe(0);
    expect(pld.epsilon([poisson(0.1, 0, 1)], 1e-5).epsilon).toBe(Number.POSITIVE_INFINITY);
  });

  it("a delta below what rounding leaves has no epsilon, never a wrong one", () => {
    expect(pld.epsilon([poisson(0.1, 1, 300)], 1e-18).epsilon).toBe(Number.POSITIVE_INFINITY);
  });
});
