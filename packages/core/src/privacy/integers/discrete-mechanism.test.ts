import { describe, expect, it } from "vitest";
import { checkMechanism, discreteMechanism, type MechanismDemand, USUAL_BIAS } from "./discrete-mechanism.ts";
import { paddedSize } from "./rotation.ts";

const demand: MechanismDemand = {
  distribution: "discrete-gaussian",
  size: 100_000,
  modulus: 2 ** 16,
  noiseMultiplier: 1,
  survivors: 80,
  cohort: 100,
};

describe("the grid of a private sum", () => {
  it.each([
    [2 ** 16, 1, 100_000, 4],
    [2 ** 16, 0.01, 100_000, 4],
    [2 ** 12, 5, 1_000_000, 3],
    [65_521, 1, 10, 4],
    [2 ** 8, 100, 4096, 4],
    [2 ** 14, 2 ** 20, 64, 4],
  ])("with modulus %i, noise %d, %i values has room for %d deviations, and no more than it needs", (...values) => {
    const [modulus, noiseMultiplier, size, deviations] = values;
    const mechanism = discreteMechanism({ ...demand, modulus, noiseMultiplier, size, deviations });
    const { granularity, variance, survivors } = mechanism;
    const spread = 100 ** 2 / paddedSize(size) + 100 * granularity ** 2 * (variance + 1 / 4);
    const room = (granularity * modulus) / 2;
    expect(room / (deviations * Math.sqrt(spread))).toBeGreaterThanOrEqual(1 - 1e-12);
    const exact = noiseMultiplier / Math.sqrt(survivors) / granularity;
    expect(variance).toBeGreaterThanOrEqual(exact ** 2);
    expect(variance).toBeLessThanOrEqual(Math.max(1 / 4, exact ** 2 + 1 / 16));
    // No finer grid would do: at 1 % less there is room for less than the deviations, but for what rounding up may take.
    const finer = 0.99 * granularity;
    const needed = 100 ** 2 / paddedSize(size) + 100 * (noiseMultiplier ** 2 / 80 + finer ** 2 / 2);
    expect((finer * modulus) / 2).toBeLessThan(deviations * Math.sqrt(needed));
  });

  it("by hand: N = 4, d = 16, n = 2, z = 1, k = 2, m = 32", () => {
    // gamma^2 (256 - 8) = 4 (1 + 2), and share / gamma^2 = 1/2 * 248 / 12 = 10.333, in sixteenths 10.375.
    const small = { ...demand, size: 13, modulus: 32, survivors: 2, cohort: 4, deviations: 2 };
    expect(discreteMechanism(small)).toEqual({
      distribution: "discrete-gaussian",
      size: 13,
      modulus: 32,
      granularity: expect.closeTo(Math.sqrt(12 / 248), 15),
      variance: 10.375,
      bias: USUAL_BIAS,
      survivors: 2,
    });
  });

  it("is not finer than samplers can follow, however large the modulus", () => {
    const { granularity, variance } = discreteMechanism({ ...demand, modulus: 2 ** 32 });
    expect(variance).toBe(2 ** 26);
    expect(granularity).toBeCloseTo(1 / Math.sqrt(80 * 2 ** 26), 15);
  });

  it("grows with the noise, and its share with it", () => {
    for (const modulus of [2 ** 8, 2 ** 14, 65_521, 2 ** 24]) {
      let before = discreteMechanism({ ...demand, modulus, noiseMultiplier: 1e-3 });
      for (let z = 1e-3; z < 1e4; z *= 1.01) {
        const found = discreteMechanism({ ...demand, modulus, noiseMultiplier: z });
        expect(found.granularity).toBeGreaterThanOrEqual(before.granularity);
        expect(found.variance).toBeGreaterThanOrEqual(before.variance);
        before = found;
      }
    }
  });
});

describe("refused are", () => {
  it("a modulus that rounding alone would use up: 4 sqrt(2 N) = 56.6 for 100 clients", () => {
    const refused = expect.objectContaining({ code: "privacy/modulus" });
    expect(() => discreteMechanism({ ...demand, modulus: 56 })).toThrow(refused);
    expect(() => discreteMechanism({ ...demand, modulus: 56 })).toThrow("a modulus above 57");
    expect(discreteMechanism({ ...demand, modulus: 58 }).variance).toBeGreaterThanOrEqual(0.25);
    expect(() => discreteMechanism({ ...demand, modulus: 2 ** 16, cohort: 2 ** 30 })).toThrow(refused);
  });

  it.each<[string, Partial<MechanismDemand>]>([
    ["noiseMultiplier", { noiseMultiplier: 0 }],
    ["noiseMultiplier", { noiseMultiplier: Number.NaN }],
    ["noiseMultiplier", { noiseMultiplier: Number.POSITIVE_INFINITY }],
    ["cohort", { cohort: 79 }],
    ["cohort", { cohort: 80.5 }],
    ["survivors", { survivors: 0 }],
    ["survivors", { survivors: 2.5 }],
    ["deviations", { deviations: 0 }],
    ["size", { size: 0 }],
    ["size", { size: 1.5 }],
    ["modulus", { modulus: 2 ** 33 }],
    ["modulus", { modulus: 1000.5 }],
  ])("%s: %j", (name, wrong) => {
    const call = () => discreteMechanism({ ...demand, ...wrong });
    expect(call).toThrow(expect.objectContaining({ code: "privacy/mechanism" }));
    expect(call).toThrow(`invalid ${name}`);
  });

  it.each([
    ["variance", { variance: 1 / 8 }],
    ["variance", { variance: 1.01 }],
    ["variance", { variance: 2 ** 29 }],
    ["bias", { bias: 1 }],
    ["bias", { bias: Number.NaN }],
    ["granularity", { granularity: 0 }],
  ])("%s of a stored mechanism: %j", (name, wrong) => {
    expect(() => checkMechanism({ ...discreteMechanism(demand), ...wrong })).toThrow(`invalid ${name}`);
  });
});
