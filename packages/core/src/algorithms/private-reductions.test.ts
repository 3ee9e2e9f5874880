import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { privateTrace } from "../conformance/private-trace.ts";
import type { Algorithm } from "./algorithm.ts";
import { diff2 } from "./diff2.ts";
import { dpFedavg } from "./dp-fedavg.ts";
import { dpFedavgm } from "./dp-fedavgm.ts";
import { dpFedpgn } from "./dp-fedpgn.ts";
import { dpFedsam } from "./dp-fedsam.ts";
import { fedavg } from "./fedavg.ts";
import { fedavgm } from "./fedavgm.ts";
import { fedcm } from "./fedcm.ts";
import { fedsam } from "./fedsam.ts";

/** So large that nothing is clipped. */
const loose = { clipNorm: 1e9 };
const everyone = { cohorts: Array.from({ length: 6 }, () => [0, 1, 2, 3]) };

function expectClose(ours: readonly number[][], reference: readonly number[][], within = 1e-12): void {
  expect(ours.length).toBe(reference.length);
  ours.flat().forEach((x, i) => {
    expect(Math.abs(x - reference.flat()[i]!)).toBeLessThan(within);
  });
}

describe("private methods without clip and noise", () => {
  it.each<[string, Algorithm, Algorithm]>([
    ["DP-FedAvg is FedAvg", dpFedavg(), fedavg()],
    ["DP-FedAvgM is FedAvgM", dpFedavgm(), fedavgm()],
    ["DP-FedSAM is FedSAM", dpFedsam(), fedsam()],
    ["DP-FedPGN with gamma = 1 and rho = 0 is FedAvg", dpFedpgn({ gradientShare: 1, perturbationRadius: 0 }), fedavg()],
    [
      "DP-FedPGN with rho = 0 is FedCM",
      dpFedpgn({ gradientShare: 0.3, perturbationRadius: 0 }),
      fedcm({ gradientShare: 0.3 }),
    ],
  ])("%s", async (_name, ours, plain) => {
    expectClose((await privateTrace(ours, { privacy: loose })).rounds, (await privateTrace(plain)).rounds);
  });
});

it("DP-FedSAM with rho = 0 is DP-FedAvg to the bit, under the same noise", async () => {
  const privacy = { clipNorm: 0.2, noiseMultiplier: 1 };
  const sam = await privateTrace(dpFedsam({ perturbationRadius: 0 }), { privacy });
  expect(sam.rounds).toEqual((await privateTrace(dpFedavg(), { privacy })).rounds);
});

describe("DP-FedPGN", () => {
  it("clips only what is new: constant gradients u give the residual gamma K eta u for every c", async () => {
    // F_i(x) = a/2 (x + u/a)^2 has gradient u + a x, with a so small that x does not matter
    const [a, u, gamma] = [1e-9, [0.5, -1, 2], 0.2];
    const constant = { a: [[a, a, a]], b: [u.map((v) => -v / a)], cohorts: [[0], [0], [0], [0]] };
    const { aggregates } = await privateTrace(dpFedpgn({ gradientShare: gamma }), { ...constant, privacy: loose });
    for (const { residual } of aggregates) {
      residual!.forEach((r, j) => {
        expect(r).toBeCloseTo(-gamma * 3 * 0.1 * u[j]!, 7);
      });
    }
  });

  it("never sees a mean residual beyond the clip norm", async () => {
    const { aggregates } = await privateTrace(dpFedpgn(), { ...everyone, privacy: { clipNorm: 0.03 } });
    for (const { residual } of aggregates) expect(Math.hypot(...residual!)).toBeLessThanOrEqual(0.03 * (1 + 1e-12));
  });

  it("smooths what was released", async () => {
    const one = { cohorts: [[0, 1]], privacy: loose };
    const plain = (await privateTrace(dpFedpgn(), one)).rounds[0]!;
    const smooth = (await privateTrace(dpFedpgn({ smoothing: 1 }), one)).rounds[0]!;
    // three values on a circle: the mean stays, deviations from it shrink by 1 + 2 s (1 - cos(2 pi / 3)) = 4
    const mean = plain.reduce((sum, x) => sum + x, 0) / 3;
    smooth.forEach((x, j) => {
      expect(x).toBeCloseTo(mean + (plain[j]! - mean) / 4, 12);
    });
  });
});

describe("DIFF2", () => {
  const gradient = (x: readonly number[]) =>
    x.map((v, j) => HETEROGENEOUS.a.reduce((sum, row, i) => sum + row[j]! * (v - HETEROGENEOUS.b[i]![j]!), 0) / 4);
  const descent = (rounds: number, eta: number) => {
    let x: readonly number[] = HETEROGENEOUS.x0;
    return Array.from({ length: rounds }, () => {
      const g = gradient(x);
      x = x.map((v, j) => v - eta * g[j]!);
      return [...x];
    });
  };

  it("without clip and noise is gradient descent, by telescoping", async () => {
    const options = { restartEvery: 100, smoothnessBound: 1e9, serverLearningRate: 0.2 };
    const { rounds } = await privateTrace(diff2(options), { ...everyone, privacy: loose });
    expectClose(rounds, descent(6, 0.2));
  });

  it("with T = 1 releases clipped gradients, never differences", async () => {
    const one = { ...everyone, privacy: { clipNorm: 0.5 } };
    const { aggregates, rounds } = await privateTrace(diff2({ restartEvery: 1, smoothnessBound: 1e-9 }), one);
    // by hand: client i has gradient -a b at x = 0
    const first = [0, 1, 2].map((j) =>
      HETEROGENEOUS.a.reduce((sum, row, i) => {
        const g = row.map((v, l) => -v * HETEROGENEOUS.b[i]![l]!);
        return sum + (g[j]! * Math.min(1, 0.5 / Math.hypot(...g))) / 4;
      }, 0),
    );
    expectClose([aggregates[0]!["change"]!], [first]);
    expect(Math.hypot(...rounds[5]!)).toBeGreaterThan(Math.hypot(...rounds[0]!));
  });

  it("never clips a difference where C2 is at least the curvature", async () => {
    const steep = await privateTrace(diff2({ smoothnessBound: 4 }), { ...everyone, privacy: loose });
    const free = await privateTrace(diff2({ smoothnessBound: 1e9 }), { ...everyone, privacy: loose });
    expect(steep.rounds).toEqual(free.rounds);
  });

  it("for records is that for clients where every client has one record", async () => {
    const options = { restartEvery: 3, smoothnessBound: 1.5, serverLearningRate: 0.2 };
    const tight = { ...everyone, privacy: { clipNorm: 3 } };
    const [clients, records] = [
      await privateTrace(diff2(options), tight),
      await privateTrace(diff2({ ...options, protects: "records" }), tight),
    ];
    expectClose(records.rounds, clients.rounds);
    const loosely = await privateTrace(diff2(options), { ...everyone, privacy: loose });
    expect(records.rounds).not.toEqual(loosely.rounds);
  });

  it("takes its clip norm, and so its noise, to nothing where the model stays", () => {
    const algorithm = diff2({ restartEvery: 3, smoothnessBound: 2 });
    const [here, there] = [Float64Array.of(1, 2), Float64Array.of(1, 5)];
    const state = (previous: Float64Array, rounds: number) => ({
      vectors: { parameters: here, previous, gradient: here },
      scalars: { rounds },
    });
    const layout = { entries: [], blocks: [], size: 2, hash: "" };
    const steps = { learningRate: 0.1, localSteps: 1, weightedSteps: 1 };
    const clipNorm = (...at: Parameters<typeof state>) =>
      algorithm.privacy!.clipNorm!(state(...at), 0.7, { round: 1, cohortSize: 4, population: 4, layout, ...steps });
    expect(clipNorm(here, 1)).toBe(0);
    expect(clipNorm(there, 2)).toBe(6);
    expect(clipNorm(there, 3)).toBe(0.7);
  });
});
