import { describe, expect, it } from "vitest";
import type { PrivacyEvent, PrivacyEventInput } from "./events.ts";
import { parseEvent } from "./events.ts";
import { gaussianAccountant } from "./exact-accountant.ts";
import { createFft } from "./fft.ts";
import { gaussianDelta } from "./gaussian.ts";
import { pldAccountant } from "./pld-accountant.ts";
import { composeLosses } from "./pld-compose.ts";
import { deltaOf, epsilonAt } from "./pld-curve.ts";
import { discretise } from "./pld-discretise.ts";
import { tailBound, windowOf } from "./pld-window.ts";
import { gaussianLoss, lossDistribution } from "./privacy-loss.ts";
import { rdpAccountant } from "./rdp-accountant.ts";

function poisson(samplingRate: number, noiseMultiplier: number, count = 1): PrivacyEvent {
  return parseEvent({ kind: "poisson-gaussian", samplingRate, noiseMultiplier, count });
}

/** Numbers in [0, 1) from a seed, by a linear congruence. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const between = (next: () => number, from: number, to: number) => from * (to / from) ** next();

/** One to four kinds of releases, with little noise or much, few times or often. */
function randomEvents(next: () => number, most: number): PrivacyEvent[] {
  return Array.from({ length: 1 + Math.floor(4 * next()) }, () => {
    const noiseMultiplier = between(next, 0.2, 20);
    const count = Math.ceil(between(next, 0.5, most));
    const kind = next();
    if (kind < 0.75) return poisson(between(next, 1e-3, 0.99), noiseMultiplier, count);
    return parseEvent({ kind: kind < 0.9 ? "gaussian" : "laplace", noiseMultiplier, count });
  });
}

/** Both ends as they are composed, before anything is made of them. */
function ends(events: readonly PrivacyEvent[], size: number) {
  const fft = createFft(size);
  return (["remove", "add"] as const).map((direction) => {
    const losses = events.map((event) => ({ item: lossDistribution(event, direction), count: event.count }));
    return composeLosses(losses, windowOf(losses), fft);
  });
}

describe("the ends of a bracket", () => {
  it.each([4, 5000])("are in order, and below what Rényi divergences bound: mixed releases, up to %i times", (most) => {
    const next = numbers(most);
    const rdp = rdpAccountant();
    const wrong: string[] = [];
    for (let i = 0; i < 50; i++) {
      const events = randomEvents(next, most);
      const delta = between(next, 1e-9, 0.1);
      const bound = rdp.epsilon(events, delta).epsilon;
      for (const { upper, lower } of ends(events, [1024, 2048][i % 2]!)) {
        const [low, high] = [epsilonAt(lower, delta), epsilonAt(upper, delta)];
        const inOrder = low <= high * (1 + 1e-9) + 1e-12 && low <= bound * (1 + 1e-9) + 1e-12;
        if (!inOrder) wrong.push(`${low} to ${high}, at most ${bound}: ${delta} ${JSON.stringify(events)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    [1, 1],
    [0.01, 100],
    [1e-4, 10_000],
    [1e-5, 100_000],
  ])("contain the curve of Gaussian noise, mu^2 = %d, composed %i times as if it were not known", (squared, count) => {
    const losses = [{ item: gaussianLoss(squared), count }];
    const { upper, lower } = composeLosses(losses, windowOf(losses), createFft(16_384));
    const mu = Math.sqrt(squared * count);
    for (let z = -6; z <= 8; z += 0.25) {
      const epsilon = mu * (mu / 2 + z);
      if (epsilon < 0) continue;
      const exact = gaussianDelta(mu, epsilon);
      expect(deltaOf(upper, epsilon)).toBeGreaterThanOrEqual(exact * (1 - 1e-15));
      expect(deltaOf(lower, epsilon)).toBeLessThanOrEqual(exact * (1 + 1e-15));
    }
  });

  it("are the same for the same question, whatever was asked in between", () => {
    const next = numbers(3);
    const accountant = pldAccountant({ gridSize: 2048 });
    const questions = Array.from({ length: 6 }, () => [randomEvents(next, 200), between(next, 1e-8, 0.1)] as const);
    const ask = ([events, delta]: (typeof questions)[number]) => accountant.epsilon(events, delta);
    const first = questions.map(ask);
    expect(questions.toReversed().map(ask).toReversed()).toEqual(first);
    expect(questions.map(([events, delta]) => pldAccountant({ gridSize: 2048 }).epsilon(events, delta))).toEqual(first);
  });
});

describe("few rounds of a large sampling rate", () => {
  it.each([
    [0.3, 1],
    [0.5, 1],
    [0.9, 1],
    [0.1, 2],
    [0.9, 2],
  ])("q = %d, sigma = %d: close brackets that rise with rounds", (q, sigma) => {
    const accountant = pldAccountant();
    let before = 0;
    for (let rounds = 1; rounds <= 5; rounds++) {
      const { epsilon, lowerBound, warnings } = accountant.epsilon([poisson(q, sigma, rounds)], 1e-5);
      expect(warnings).toEqual([]);
      expect(epsilon - lowerBound!).toBeLessThan(1e-4 * epsilon);
      expect(lowerBound!).toBeGreaterThan(before);
      before = epsilon;
    }
  });

  it("one round: the epsilon whose delta is known from the tails", () => {
    const [event, delta] = [poisson(0.3, 1), 1e-5];
    const { epsilon, lowerBound } = pldAccountant().epsilon([event], delta);
    const out = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
    const curve = (at: number) => {
      lossDistribution(event, "remove").tails(at, out);
      return out.pAbove - Math.exp(at) * out.qAbove;
    };
    expect(curve(epsilon)).toBeLessThanOrEqual(delta);
    expect(curve(lowerBound!)).toBeGreaterThanOrEqual(delta);
  });
});

describe("at the ends of what an event may say", () => {
  it.each([
    [0.5, 0.01],
    [0.01, 0.05],
    [1 - 2 ** -53, 0.01],
    [1 - 2 ** -53, 1],
    [0.5, 1e-49],
    [1e-17, 1],
    [1e-16, 0.1],
    [1e-30, 0.05],
    [5e-324, 1e5],
    [0.5, Number.MAX_VALUE],
  ])("q = %d, sigma = %d is a number, below that of everyone in every round", (q, sigma) => {
    const accountant = pldAccountant({ gridSize: 1024 });
    const all = gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: sigma, count: 3 }], 1e-5).epsilon;
    const { epsilon, lowerBound } = accountant.epsilon([poisson(q, sigma, 3)], 1e-5);
    expect(epsilon).toBeGreaterThanOrEqual(lowerBound!);
    expect(lowerBound!).toBeLessThanOrEqual(all * (1 + 1e-9));
    expect(epsilon).toBeLessThan(Math.max(1e-9, 1.1 * all));
  });

  it.each<[PrivacyEventInput, number]>([
    [{ kind: "gaussian", noiseMultiplier: 1e160 }, 0],
    [{ kind: "laplace", noiseMultiplier: 1e300 }, 0],
    [{ kind: "laplace", noiseMultiplier: 1e-200 }, Number.POSITIVE_INFINITY],
    [{ kind: "poisson-gaussian", samplingRate: 0.1, noiseMultiplier: 1e-200 }, Number.POSITIVE_INFINITY],
    [{ kind: "poisson-gaussian", samplingRate: 0.1, noiseMultiplier: 1, count: 2 ** 53 - 1 }, Number.POSITIVE_INFINITY],
  ])("%j", (event, epsilon) => {
    expect(pldAccountant({ gridSize: 1024 }).epsilon([event], 1e-5).epsilon).toBeCloseTo(epsilon, 9);
  });
});

it("a tail bound holds however large its exponent, and where the ends of a grid are empty", () => {
  const mass = Float64Array.of(0, 0.25, 0.5, 0.25, 0);
  const losses = [{ item: { mass, first: -2, shift: 0 }, count: 2 }];
  for (const exponent of [0.1, 3, 1e3, 1e9]) {
    // 2 at most, 2 with 1/16, at least 1 with 5/16.
    for (const sign of [1, -1]) {
      expect(tailBound(losses, 1, sign * exponent, sign * 1)).toBeGreaterThanOrEqual(5 / 16);
      expect(tailBound(losses, 1, sign * exponent, sign * 2)).toBeGreaterThanOrEqual(1 / 16 - 1e-12);
      expect(tailBound(losses, 1, sign * exponent, sign * 2.5)).toBe(0);
    }
  }
});

it("a discretised loss keeps its masses, and the pessimistic one both of its probabilities", () => {
  const event = poisson(0.2, 0.9);
  const step = 0.01;
  for (const direction of ["remove", "add"] as const) {
    const { upper, lower } = discretise(lossDistribution(event, direction), step, 1e6);
    const total = (mass: Float64Array) => mass.reduce((sum, p) => sum + p, 0);
    expect(total(upper.mass) + upper.infinite).toBeCloseTo(1, 14);
    expect(total(lower.mass)).toBeCloseTo(1, 14);
    const other = upper.mass.reduce((sum, p, i) => sum + p * Math.exp(-(upper.first + i) * step), 0);
    expect(other).toBeCloseTo(1, 12);
    expect(Math.max(...lower.excess.map(Math.abs))).toBeLessThanOrEqual(step / 2);
  }
});
