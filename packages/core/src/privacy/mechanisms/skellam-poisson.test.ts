import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { skellamSampler } from "./skellam.ts";
import { hat, logPoisson, poissonNoise } from "./skellam-poisson.ts";
import { expectDistribution } from "./testing/goodness-of-fit.ts";

/** ln of a Poisson weight, term by term. */
function logWeight(k: number, mean: number): number {
  let sum = -mean;
  for (let i = 1; i <= k; i++) sum += Math.log(mean / i);
  return sum;
}

describe("Poisson variates", () => {
  it.each([0.3, 5, 15.9, 16, 20.5, 100])("of mean %d have their probabilities", (mean) => {
    const draw = poissonNoise(mean);
    const stream = randomStream(rootKey(41));
    const reach = Math.ceil(mean + 9 * Math.sqrt(mean)) + 12;
    expectDistribution(
      60_000,
      () => draw(stream),
      (k) => Math.exp(logWeight(k, mean)),
      0,
      reach,
    );
  });

  it("probabilities come without cancellation", () => {
    for (const [k, mean] of [
      [0, 16],
      [15, 20],
      [16, 16],
      [90, 100],
      [1100, 1000],
      [1900, 2000.5],
    ] as const) {
      expect(logPoisson(k, mean)).toBeCloseTo(logWeight(k, mean), 9);
    }
    // At the mean, by Stirling: P = 1 / sqrt(2 pi m) (1 - 1 / (12 m)); three deviations off: times e^-4.5 (1 +- 3^3 / (6 s)).
    expect(logPoisson(1e8, 1e8)).toBeCloseTo(-0.5 * Math.log(2e8 * Math.PI), 8);
    expect(logPoisson(1e8 + 3e4, 1e8) - logPoisson(1e8, 1e8)).toBeCloseTo(-4.5 + 27 / 6e4 - 3 / 2e4, 6);
  });

  it("lie below the hat that is drawn from, and above what is kept unseen, at all means", () => {
    for (let step = 0; step < 150; step++) {
      const mean = 16 * (1e8 / 16) ** (step / 149);
      const { a, b, ceiling, sure, centre } = hat(mean);
      let [most, least, rejected] = [0, 1, 0];
      for (let i = 1; i < 6000; i++) {
        const u = i / 6000 - 0.5;
        const fromEnd = 0.5 - Math.abs(u);
        const k = Math.floor(((2 * a) / fromEnd + b) * u + centre);
        if (k < 0) continue;
        const kept = (Math.exp(logPoisson(k, mean)) * (a / (fromEnd * fromEnd) + b)) / ceiling;
        most = Math.max(most, kept);
        if (fromEnd >= 0.07) least = Math.min(least, kept - sure);
        if (fromEnd < 0.013) rejected = Math.max(rejected, kept - fromEnd);
      }
      expect(most, `mean ${mean}`).toBeLessThanOrEqual(1);
      expect(least, `mean ${mean}`).toBeGreaterThanOrEqual(0);
      expect(rejected, `mean ${mean}`).toBeLessThanOrEqual(0);
    }
  });
});

describe("Skellam variates of large variance", () => {
  it.each([40, 1e4, 1e8])("of variance %d have its moments", (variance) => {
    const draw = skellamSampler(variance);
    const stream = randomStream(rootKey(42));
    const n = 20_000;
    const scaled = Float64Array.from({ length: n }, () => draw(stream) / Math.sqrt(variance));
    const moment = (power: number) => scaled.reduce((sum, x) => sum + x ** power, 0) / n;
    // Five standard errors each, 6e-7 apiece; the fourth moment is 3 + 1 / variance.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2.1 / n));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(16 / n));
    expect(Math.abs(moment(4) - 3 - 1 / variance)).toBeLessThan(5 * Math.sqrt(105 / n));
  });
});
