import { describe, expect, it } from "vitest";
import { gaussianAccountant } from "./exact-accountant.ts";
import { rdpAccountant } from "./rdp-accountant.ts";
import type { RdpConversion } from "./rdp-conversion.ts";
import { renyiDivergences } from "./rdp-curve.ts";

function poisson(samplingRate: number, noiseMultiplier: number, count = 1) {
  return { kind: "poisson-gaussian", adjacency: "add-or-remove", samplingRate, noiseMultiplier, count } as const;
}

describe("Rényi divergences of one round, from quadrature with 30 digits", () => {
  const orders = [1.5, 2, 2.5, 3, 4, 8, 16, 32];
  it.each([
    [
      0.1,
      0.8,
      [
        0.0233050462499, 0.0370137910563, 0.0580875710838, 0.0950585390762, 0.337132706684, 3.61865742244,
        10.0439092348, 22.6231379685,
      ],
    ],
    [
      0.1,
      0.95,
      [
        0.0136279364, 0.0200809847037, 0.0282570339, 0.0391932928885, 0.0801983463585, 1.80513290555, 6.40817574299,
        15.3516698245,
      ],
    ],
    [
      0.1,
      1,
      [
        0.0117345922, 0.0170368632362, 0.023503727261, 0.0317123003034, 0.0586726069601, 1.37836141135, 5.5439121709,
        13.6231379685,
      ],
    ],
    [
      0.01,
      1,
      [
        0.000127253743, 0.000171813422, 0.000217575332, 0.000264637575, 0.000363154049, 0.000893643908, 3.08785078,
        11.2462759,
      ],
    ],
    [
      0.2,
      2,
      [
        0.00828143317, 0.0112969649892, 0.014459001411, 0.0177812651419, 0.0249715653223, 0.064951951532,
        0.407897972474, 2.34043541953,
      ],
    ],
  ])("q = %d, sigma = %d", (q, sigma, expected) => {
    const found = renyiDivergences(poisson(q, sigma), orders);
    expected.forEach((value, i) => {
      // The table has 9 digits at least.
      expect(Math.abs(found[i]! / value - 1), `order ${orders[i]}`).toBeLessThan(6e-9);
    });
  });
});

describe("epsilon, with the order of the minimum", () => {
  type Cell = readonly [number, number];
  type Row = readonly [number, number, number, number, Cell, Cell, Cell, Cell];
  const rows: readonly Row[] = [
    [1, 1, 1, 1e-5, [4.752728, 5], [5.302585, 6], [4.728507, 5.4], [5.298526, 5.8]],
    [1, 5, 1, 1e-5, [0.794522, 22], [0.979705, 25], [0.794522, 22], [0.979705, 25]],
    [1, 2, 10, 1e-5, [8.087862, 4], [8.837642, 4], [8.079406, 3.9], [8.837642, 4]],
    [0.01, 1, 1000, 1e-5, [2.107753, 8], [2.538348, 8], [2.101365, 7.8], [2.537983, 7.9]],
    [0.01, 1.1, 10000, 1e-5, [5.654308, 5], [6.279811, 5], [5.631992, 4.7], [6.27871, 4.9]],
    [0.004, 1.1, 15000, 1e-5, [2.506367, 8], [2.905245, 9], [2.502871, 8.4], [2.905045, 9.1]],
    [0.1, 0.8, 1, 1e-5, [3.309526, 5], [3.93503, 5], [3.252602, 4.6], [3.915362, 4.7]],
    [0.1, 0.8, 300, 2e-3, [15.932451, 2], [17.318745, 2], [15.493854, 1.8], [17.039518, 1.8]],
    [0.1, 0.8, 300, 1e-5, [21.230768, 2], [22.617063, 2], [21.230768, 2], [22.607867, 2.1]],
    [0.1, 0.95, 200, 5e-3, [7.92822, 2], [9.314514, 2], [7.772285, 2.2], [9.021306, 2.3]],
    [0.1, 0.95, 300, 2e-3, [10.852609, 2], [12.238904, 2], [10.794783, 2.1], [12.109146, 2.2]],
    [0.1, 0.95, 300, 1e-5, [16.150927, 2], [17.514451, 3], [14.992415, 2.4], [16.152394, 2.5]],
    [0.1, 1, 300, 1e-5, [14.315382, 3], [15.270153, 3], [13.604716, 2.5], [14.689997, 2.6]],
    [0.1, 2, 300, 1e-5, [4.573819, 5], [5.179336, 6], [4.564284, 5.2], [5.152597, 5.5]],
    [0.1, 4, 300, 1e-5, [1.933691, 10], [2.275729, 11], [1.933105, 10.2], [2.275729, 11]],
    [0.2, 2, 100, 1e-5, [5.555175, 5], [6.180678, 5], [5.496205, 4.5], [6.162272, 4.7]],
    [0.05, 1, 300, 1e-5, [6.512742, 4], [7.262522, 4], [6.459697, 3.7], [7.243609, 3.8]],
    [0.02, 1, 300, 1e-5, [2.59222, 6], [3.132893, 6], [2.563383, 6.4], [3.072512, 6.5]],
  ];
  const ways: readonly (readonly ["integer" | "fractional", RdpConversion])[] = [
    ["integer", "tight"],
    ["integer", "classic"],
    ["fractional", "tight"],
    ["fractional", "classic"],
  ];
  const accountants = ways.map(([orders, conversion]) => rdpAccountant({ orders, conversion }));
  it.each(rows)("q = %d, sigma = %d, %d rounds, delta = %d", (q, sigma, rounds, delta, ...cells) => {
    accountants.forEach((accountant, i) => {
      const [epsilon, order] = cells[i]!;
      const stated = accountant.epsilon([poisson(q, sigma, rounds)], delta);
      expect(Math.abs(stated.epsilon - epsilon), ways[i]!.join(" ")).toBeLessThan(1e-6);
      expect(stated.order, ways[i]!.join(" ")).toBe(order);
    });
  });
});

describe("published values", () => {
  const classic = rdpAccountant({ orders: "integer", conversion: "classic" });

  it("TensorFlow Privacy's tutorial: 256 of 60,000, noise 1.1, 14,063 steps: 3.01, and 2.60 by the tight conversion", () => {
    const events = [poisson(256 / 60_000, 1.1, 14_063)];
    expect(classic.epsilon(events, 1e-5)).toMatchObject({ epsilon: expect.closeTo(3.0092, 4), order: 9 });
    const tight = rdpAccountant({ orders: "integer" }).epsilon(events, 1e-5);
    expect(tight).toMatchObject({ epsilon: expect.closeTo(2.5971, 4), order: 8 });
  });

  it("DP-FedAvg's paper: 5,000 of 763,430 users, noise 1, 5,000 rounds, delta 1e-9: 4.634", () => {
    const stated = classic.epsilon([poisson(5000 / 763_430, 1, 5000)], 1e-9);
    expect(stated).toMatchObject({ epsilon: expect.closeTo(4.634, 3), order: 9 });
  });

  it("DP-FedSAM's script, orders 1.01 to 100 by 0.05: 7.77304 at order 2.21", () => {
    const orders = Array.from({ length: 1980 }, (_, i) => (101 + 5 * i) / 100);
    const stated = rdpAccountant({ orders }).epsilon([poisson(0.1, 0.95, 200)], 5e-3);
    expect(stated).toMatchObject({ epsilon: expect.closeTo(7.77304, 5), order: 2.21 });
  });

  it.each([
    [1, 4.377178],
    [5, 0.725522],
  ])("exact Gaussian, noise %d, delta 1e-5: %d", (sigma, epsilon) => {
    const accountant = gaussianAccountant();
    const events = [{ kind: "gaussian", noiseMultiplier: sigma }] as const;
    expect(accountant.epsilon(events, 1e-5).epsilon).toBeCloseTo(epsilon, 6);
    expect(accountant.delta(events, epsilon).delta / 1e-5).toBeCloseTo(1, 4);
  });
});
