import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { allocationRatio } from "./allocation-ratio.ts";
import { gaussianDelta } from "./gaussian.ts";
import { pldAccountant } from "./pld-accountant.ts";
import { normalTail } from "./special-functions.ts";

const pld = pldAccountant();
const blocks = (block: number, noiseMultiplier: number, count = 1) =>
  [{ kind: "allocated-gaussian", block, noiseMultiplier, count }] as const;

const above = (x: number) => (x > 0 ? normalTail(x) : 1 - normalTail(x));

/** E max(0, W - strike) for W = exp(Z / sigma - 1 / (2 sigma^2)), by the formula of F. Black and M. Scholes. */
function call(strike: number, sigma: number): number {
  if (strike <= 0) return 1 - strike;
  const x = sigma * Math.log(strike);
  return above(x - 1 / (2 * sigma)) - strike * above(x + 1 / (2 * sigma));
}

/** E f(W_1 + ... + W_n) by the trapezoidal rule on normal variables, whose error vanishes exponentially for smooth f. */
function mean(n: number, sigma: number, f: (sum: number) => number): number {
  if (n === 0) return f(0);
  const step = 1 / 24;
  let sum = 0;
  for (let z = -11; z <= 11; z += step) {
    const w = Math.exp(z / sigma - 1 / (2 * sigma * sigma));
    sum += Math.exp((-z * z) / 2) * mean(n - 1, sigma, (rest) => f(w + rest));
  }
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

/** delta of one block, by an integral over b - 1 rounds whose last one is in closed form; `rounds` of it released. */
function exactDelta(block: number, sigma: number, epsilon: number, rounds = block): number {
  const idle = block - rounds;
  const remove = mean(rounds - 1, sigma, (rest) => call(block * Math.exp(epsilon) - rest - idle, sigma) / block);
  // max(0, K - W) = max(0, W - K) + K - W
  const add = mean(rounds - 1, sigma, (rest) => {
    const strike = block * Math.exp(-epsilon) - rest - idle;
    return strike <= 0 ? 0 : (Math.exp(epsilon) * (call(strike, sigma) + strike - 1)) / block;
  });
  return Math.max(remove, add);
}

describe("random allocation: one block", () => {
  it.each([
    [2, 0.5],
    [2, 1.5],
    [2, 8],
    [3, 0.8],
    [3, 2],
  ])("of %i rounds with noise %d lies in the bracket, which is narrow", (block, sigma) => {
    for (const epsilon of [0, 0.1 / sigma, 0.5 / sigma, 1 / sigma, 2 / sigma]) {
      const exact = exactDelta(block, sigma, epsilon);
      const { delta, lowerBound } = pld.delta(blocks(block, sigma), epsilon);
      expect(delta).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
      expect(lowerBound).toBeLessThanOrEqual(exact * (1 + 1e-9));
      expect(delta / exact).toBeLessThan(1.003);
    }
  });

  it("of one round is Gaussian noise", () => {
    expect(pld.delta(blocks(1, 2, 4), 1).delta).toBeGreaterThanOrEqual(gaussianDelta(1, 1));
    expect(pld.delta(blocks(1, 2, 4), 1).delta / gaussianDelta(1, 1)).toBeLessThan(1.01);
  });

  it("that has begun costs no more than the whole", () => {
    for (const epsilon of [0, 0.2, 0.8]) {
      const [one, two, all] = [1, 2, 3].map((rounds) => exactDelta(3, 1.2, epsilon, rounds)) as [
        number,
        number,
        number,
      ];
      expect(one).toBeLessThanOrEqual(two);
      expect(two).toBeLessThanOrEqual(all * (1 + 1e-9));
      // after one round it is Poisson sampling at rate 1/3
      const poisson = pld.delta([{ kind: "poisson-gaussian", samplingRate: 1 / 3, noiseMultiplier: 1.2 }], epsilon);
      expect(one).toBeLessThanOrEqual(poisson.delta * (1 + 1e-9));
      expect(one).toBeGreaterThanOrEqual(poisson.lowerBound! * (1 - 1e-9));
    }
  });

  it("keeps total probabilities, and the variance of the ratio between its stand-ins", () => {
    for (const [block, sigma] of [
      [7, 0.7],
      [25, 1.5],
      [1000, 3],
    ] as const) {
      const { upper, lower } = allocationRatio(block, sigma);
      const variances = [upper, lower].map(({ p, q }) => {
        let sum = 0;
        for (let i = 0; i < p.length; i++) if (q[i]! > 0) sum += q[i]! * (p[i]! / q[i]! - 1) ** 2;
        return sum / (Math.expm1(sigma ** -2) / block);
      });
      for (const values of [upper.p, upper.q]) expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 7);
      expect(variances[0]).toBeGreaterThan(1);
      expect(variances[0]).toBeLessThan(1.002);
      expect(variances[1]).toBeLessThan(1);
      expect(variances[1]).toBeGreaterThan(0.998);
    }
  });
});

/** Losses of `count` blocks under P, drawn: a client that takes part in the first round of each, or (added) in none. */
function drawnLosses(block: number, sigma: number, count: number, added: boolean, samples: number): number[] {
  const stream = randomStream(rootKey(11));
  return Array.from({ length: samples }, () => {
    let loss = 0;
    for (let b = 0; b < count; b++) {
      let ratio = 0;
      for (let i = 0; i < block; i++) {
        const x = sigma * stream.normal() + (i === 0 && !added ? 1 : 0);
        ratio += Math.exp((2 * x - 1) / (2 * sigma * sigma));
      }
      loss += Math.log(ratio / block);
    }
    return added ? -loss : loss;
  });
}

describe("random allocation: many blocks", () => {
  it.each([
    [25, 1.5, 4],
    [10, 0.8, 3],
  ])("blocks of %i rounds with noise %d, %i of them: no draw shows more than is stated", (block, sigma, count) => {
    const samples = 10_000;
    const drawn = [false, true].map((added) => drawnLosses(block, sigma, count, added, samples));
    for (const epsilon of [0.05, 0.2]) {
      const { delta, lowerBound } = pld.delta(blocks(block, sigma, count), epsilon);
      const values = drawn.map((losses) => losses.map((loss) => Math.max(0, -Math.expm1(epsilon - loss))));
      const [low, high] = values.reduce<[number, number]>(
        ([from, to], terms) => {
          const average = terms.reduce((a, b) => a + b, 0) / samples;
          // terms lie in [0, 1], so their variance is at most their mean; Bernstein at 1e-6: 6 deviations and 10 / n
          const error = 6 * Math.sqrt(average / samples) + 10 / samples;
          return [Math.max(from, average - error), Math.max(to, average + error)];
        },
        [0, 0],
      );
      expect(delta).toBeGreaterThanOrEqual(low);
      expect(lowerBound).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThan(0);
    }
  });

  it("90 of 2,250 rounds with noise 1.5: less than Poisson sampling, and than the published 6.64", () => {
    const { epsilon, lowerBound } = pld.epsilon(blocks(25, 1.5, 90), 1e-5);
    const poisson = pld.epsilon(
      [{ kind: "poisson-gaussian", samplingRate: 1 / 25, noiseMultiplier: 1.5, count: 2250 }],
      1e-5,
    );
    expect(epsilon).toBeLessThan(6.64);
    expect(lowerBound).toBeGreaterThan(6.5);
    expect(epsilon).toBeLessThan(poisson.lowerBound!);
  });

  it("costs more with more blocks, shorter blocks and less noise", () => {
    const at = (block: number, sigma: number, count: number) => pld.epsilon(blocks(block, sigma, count), 1e-6).epsilon;
    const chains = [
      [2, 5, 10].map((count) => at(20, 1.5, count)),
      [40, 20, 10].map((block) => at(block, 1.5, 5)),
      [4, 1.5, 0.7, 0.3].map((sigma) => at(20, sigma, 5)),
    ];
    for (const chain of chains) expect(chain).toEqual([...chain].sort((a, b) => a - b));
  });

  it("guarantees nothing with next to no noise, and is an upper bound with very much", () => {
    expect(pld.epsilon(blocks(10, 0.04), 1e-5).epsilon).toBe(Number.POSITIVE_INFINITY);
    const { epsilon, lowerBound } = pld.epsilon(blocks(10, 1e6, 4), 1e-5);
    expect(epsilon).toBeLessThan(1e-2);
    expect(lowerBound).toBeLessThan(1e-5);
  });
});
