import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { nextClipNorm, updateNoiseMultiplier } from "./adaptive-clip.ts";

describe("adaptive clipping", () => {
  it("takes a geometric step by what the share of unclipped clients misses", () => {
    const adaptive = { targetQuantile: 0.5, rate: 0.2, countNoise: 1 };
    // all unclipped: the centred share is 1/2, so C <- C exp(-0.2 (1 - 0.5))
    expect(nextClipNorm(2, 0.5, adaptive)).toBeCloseTo(2 * Math.exp(-0.1), 14);
    expect(nextClipNorm(2, -0.5, adaptive)).toBeCloseTo(2 * Math.exp(0.1), 14);
    expect(nextClipNorm(2, 0, adaptive)).toBe(2);
  });

  it("finds the quantile of norms that do not change", () => {
    const stream = randomStream(rootKey(3));
    const norms = Array.from({ length: 400 }, () => Math.exp(stream.normal()));
    const adaptive = { targetQuantile: 0.8, rate: 0.2, countNoise: 1 };
    let clipNorm = 0.05;
    for (let round = 0; round < 300; round++) {
      const share = norms.reduce((sum, norm) => sum + (norm <= clipNorm ? 0.5 : -0.5), 0) / norms.length;
      clipNorm = nextClipNorm(clipNorm, share, adaptive);
    }
    const within = norms.filter((norm) => norm <= clipNorm).length / norms.length;
    expect(Math.abs(within - 0.8)).toBeLessThan(0.01);
  });

  it("splits the noise so that both releases cost what one would", () => {
    // a Gaussian of multiplier z costs in proportion to z^-2; the count has sensitivity 1/2
    for (const [z, countNoise] of [
      [1, 5],
      [0.3, 0.2],
    ] as const) {
      const updates = updateNoiseMultiplier(z, countNoise);
      expect(updates ** -2 + (countNoise / 0.5) ** -2).toBeCloseTo(z ** -2, 10);
      expect(updates).toBeGreaterThan(z);
    }
    expect(updateNoiseMultiplier(0, 1)).toBe(0);
    expect(() => updateNoiseMultiplier(1, 0.5)).toThrow(expect.objectContaining({ code: "privacy/count-noise" }));
  });
});
