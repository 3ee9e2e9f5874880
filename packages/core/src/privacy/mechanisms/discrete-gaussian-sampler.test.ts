import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { discreteGaussianSampler, LARGEST_VARIANCE, lessThan } from "./discrete-gaussian-sampler.ts";
import { discreteGaussian } from "./testing/exact-discrete-gaussian.ts";
import { expectDistribution } from "./testing/goodness-of-fit.ts";

/** ln P(x) but for a constant that is the same for all x. */
const weight = (variance: number) => (x: number) => Math.exp((-x * x) / (2 * variance));

describe("the quick sampler of the discrete Gaussian", () => {
  it.each([1 / 16, 0.25, 1, 1.0625, 16.5, 400])("of variance %d has its probabilities", (variance) => {
    const draw = discreteGaussianSampler(variance);
    const coins = randomStream(rootKey(31));
    const reach = Math.ceil(9 * Math.sqrt(variance)) + 2;
    expectDistribution(60_000, () => draw(coins), weight(variance), -reach, reach);
  });

  it.each([12_345.0625, 2 ** 26, LARGEST_VARIANCE])("of variance %d has its moments", (variance) => {
    const draw = discreteGaussianSampler(variance);
    const coins = randomStream(rootKey(32));
    const n = 20_000;
    const scaled = Float64Array.from({ length: n }, () => draw(coins) / Math.sqrt(variance));
    const moment = (power: number) => scaled.reduce((sum, x) => sum + x ** power, 0) / n;
    // Five standard errors each of mean, variance, skewness and kurtosis: 6e-7 apiece. Variances of x^k: 1, 2, 15, 96.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    expect(scaled.every((x) => Number.isInteger(Math.round(x * Math.sqrt(variance) * 1e6) / 1e6))).toBe(true);
  });

  it("agrees with the sampler of big integers in the last digit: both parities come as often", () => {
    const coins = randomStream(rootKey(33));
    const draw = discreteGaussianSampler(1000);
    const n = 20_000;
    const odd = Array.from({ length: n }, () => Math.abs(draw(coins)) % 2).reduce((sum, x) => sum + x, 0);
    const slow = Array.from({ length: n / 4 }, () => Number(discreteGaussian(coins, [1000n, 1n]) & 1n));
    expect(Math.abs(odd - n / 2)).toBeLessThan(2.5 * Math.sqrt(n));
    expect(Math.abs(slow.reduce((sum, x) => sum + x, 0) - n / 8)).toBeLessThan(2.5 * Math.sqrt(n / 4));
  });

  it.each([
    0,
    -1,
    0.1,
    1 / 32,
    2 * LARGEST_VARIANCE,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])("refuses variance %d", (variance) => {
    expect(() => discreteGaussianSampler(variance)).toThrow(expect.objectContaining({ code: "privacy/variance" }));
  });

  it("compares a uniform number with a fraction to the last digit", () => {
    const stream = randomStream(rootKey(34));
    for (let i = 0; i < 2000; i++) {
      const b = 1 + Math.floor(2 ** (37 * stream.float()));
      const a = Math.floor(b * stream.float());
      const exact = (BigInt(a) << 96n) / BigInt(b);
      // Three words one step of 2^-96 beside the fraction: only the last of six digits tells.
      for (const [number, less] of [
        [exact - 1n, true],
        [exact + 1n, false],
      ] as const) {
        if (number < 0n) continue;
        const words = [number >> 64n, (number >> 32n) & 0xffffffffn, number & 0xffffffffn].map(Number);
        const coins = { uint32: () => words.shift() ?? expect.fail("a fourth word") };
        expect(lessThan(coins, a, b), `${a} / ${b}`).toBe(less);
      }
    }
    const none = { uint32: () => expect.fail("a certain coin needs no words") };
    expect(lessThan(none, 5, 5)).toBe(true);
  });
});
