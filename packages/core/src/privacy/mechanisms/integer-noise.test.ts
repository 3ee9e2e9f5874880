import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { skellamSampler } from "./skellam.ts";
import { below, bernoulliExp, discreteGaussian, discreteLaplace } from "./testing/exact-discrete-gaussian.ts";

/** Counts are compared with their binomial at five standard errors: 6e-7 for each of about seventy counts, 4e-5 in all. */
const SIGMAS = 5;

/** Compares the shares of small values, and of all others together, with probabilities that are computed apart. */
function expectShares(draws: readonly number[], probability: (x: number) => number, largest: number): void {
  const n = draws.length;
  const values = Array.from({ length: 2 * largest + 1 }, (_, i) => i - largest);
  for (const x of values) {
    const p = probability(x);
    const seen = draws.filter((draw) => draw === x).length;
    expect(Math.abs(seen - n * p), `${x}: ${seen} of ${n * p}`).toBeLessThan(SIGMAS * Math.sqrt(n * p * (1 - p)));
  }
  const rest = 1 - values.reduce((sum, x) => sum + probability(x), 0);
  const beyond = draws.filter((draw) => Math.abs(draw) > largest).length;
  expect(Math.abs(beyond - n * rest)).toBeLessThan(SIGMAS * Math.sqrt(n * rest) + 1);
}

/** Weights over -80 to 80 as probabilities. */
function normalised(weight: (x: number) => number): (x: number) => number {
  let total = 0;
  for (let x = -80; x <= 80; x++) total += weight(x);
  return (x) => weight(x) / total;
}

const draws = (count: number, draw: () => number | bigint) => Array.from({ length: count }, () => Number(draw()));

describe("the discrete Gaussian", () => {
  it.each<[bigint, bigint, number]>([
    [1n, 4n, 2],
    [1n, 1n, 3],
    [13n, 2n, 8],
  ])("of variance %d / %d has its probabilities", (numerator, denominator, largest) => {
    const coins = randomStream(rootKey(21));
    const variance = Number(numerator) / Number(denominator);
    const drawn = draws(20_000, () => discreteGaussian(coins, [numerator, denominator]));
    expectShares(
      drawn,
      normalised((x) => Math.exp((-x * x) / (2 * variance))),
      largest,
    );
  });

  it("of a large variance has that variance, and is refused for none", () => {
    const coins = randomStream(rootKey(22));
    const n = 5_000;
    const drawn = draws(n, () => discreteGaussian(coins, [1_000_000n, 1n]));
    const mean = drawn.reduce((sum, x) => sum + x, 0) / n;
    const variance = drawn.reduce((sum, x) => sum + x * x, 0) / n;
    expect(Math.abs(mean)).toBeLessThan((SIGMAS * 1000) / Math.sqrt(n));
    expect(Math.abs(variance / 1e6 - 1)).toBeLessThan(SIGMAS * Math.sqrt(2 / n));
    for (const fraction of [
      [0n, 1n],
      [1n, 0n],
      [-1n, 1n],
    ] as const) {
      expect(() => discreteGaussian(coins, fraction)).toThrow(expect.objectContaining({ code: "privacy/variance" }));
    }
  });

  it("rests on exact coins", () => {
    const coins = randomStream(rootKey(23));
    for (const [a, b] of [
      [0n, 1n],
      [1n, 3n],
      [5n, 2n],
    ] as const) {
      const p = Math.exp(-Number(a) / Number(b));
      const heads = draws(20_000, () => (bernoulliExp(coins, a, b) ? 1 : 0)).reduce((sum, x) => sum + x, 0);
      expect(Math.abs(heads - 20_000 * p)).toBeLessThanOrEqual(SIGMAS * Math.sqrt(20_000 * p * (1 - p)));
    }
    const laplace = draws(20_000, () => discreteLaplace(coins, 3n));
    expectShares(
      laplace,
      normalised((x) => Math.exp(-Math.abs(x) / 3)),
      6,
    );
    const wide = (1n << 40n) + 7n;
    const share = draws(20_000, () => (below(coins, wide) < wide / 4n ? 1 : 0)).reduce((sum, x) => sum + x, 0);
    expect(Math.abs(share - 5_000)).toBeLessThan(SIGMAS * Math.sqrt(20_000 * 0.1875));
  });
});

describe("the Skellam distribution", () => {
  /** P(x) by the sum over pairs of Poisson variates of mean m that differ by x. */
  const pairs = (m: number) => (x: number) => {
    let total = 0;
    let term = Math.exp(-2 * m);
    for (let k = 1; k <= Math.abs(x); k++) term *= m / k;
    for (let k = 0; k < 200; k++) {
      total += term;
      term *= (m * m) / ((k + 1) * (k + 1 + Math.abs(x)));
    }
    return total;
  };

  it.each([0.5, 4, 50])("of variance %d has its probabilities", (variance) => {
    const stream = randomStream(rootKey(24));
    const skellam = skellamSampler(variance);
    const drawn = draws(20_000, () => skellam(stream));
    expectShares(drawn, pairs(variance / 2), Math.ceil(2 * Math.sqrt(variance)));
  });

  it("of shares is that of the sum", () => {
    const stream = randomStream(rootKey(25));
    const skellam = skellamSampler(1);
    const drawn = draws(20_000, () => [1, 2, 3, 4].reduce((sum) => sum + skellam(stream), 0));
    expectShares(drawn, pairs(2), 4);
  });

  it("is refused without variance", () => {
    for (const variance of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => skellamSampler(variance)).toThrow(expect.objectContaining({ code: "privacy/variance" }));
    }
  });
});
