import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { privateTrace } from "../conformance/private-trace.ts";
import { layout } from "../params/index.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { diff2 } from "./diff2.ts";
import { diff2BvrLSgd } from "./diff2-bvr-l-sgd.ts";
import { fedavg } from "./fedavg.ts";

const loose = { clipNorm: 1e9 };
const everyone = (rounds: number) => ({ cohorts: Array.from({ length: rounds }, () => [0, 1, 2, 3]) });
const { a, b } = HETEROGENEOUS;
const [eta, K] = [HETEROGENEOUS.learningRate, HETEROGENEOUS.localSteps];

const models = async (options: Parameters<typeof diff2BvrLSgd>[0], changes: Partial<Quadratics>) => {
  const { rounds } = await privateTrace(diff2BvrLSgd(options), { privacy: loose, ...changes });
  return rounds.filter((_, i) => i % 2 === 1);
};

function expectClose(ours: readonly (readonly number[])[], reference: readonly (readonly number[])[]): void {
  expect(ours.length).toBe(reference.length);
  ours.flat().forEach((x, i) => {
    expect(Math.abs(x - reference.flat()[i]!)).toBeLessThan(1e-12);
  });
}

/** Two of the paper's loops on the quadratics, without clip and noise, the cohort's mean in place of one client. */
function byHand(rounds: number, restartEvery: number): number[][] {
  const gradient = (i: number, x: readonly number[]) => x.map((value, j) => a[i]![j]! * (value - b[i]![j]!));
  const mean = (vectors: number[][]) => vectors[0]!.map((_, j) => vectors.reduce((sum, v) => sum + v[j]!, 0) / 4);
  const clients = [0, 1, 2, 3];
  let [x, previous, v] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ] as number[][];
  return Array.from({ length: rounds }, (_, r) => {
    const fresh = mean(clients.map((i) => gradient(i, x!)));
    const old = mean(clients.map((i) => gradient(i, previous!)));
    v = r % restartEvery === 0 ? fresh : v!.map((value, j) => value + fresh[j]! - old[j]!);
    previous = x;
    x = mean(
      clients.map((i) => {
        let [y, w] = [x!, v!];
        for (let k = 0; k < K; k++) {
          const next = y.map((value, j) => value - eta * w[j]!);
          const [now, before] = [gradient(i, next), gradient(i, y)];
          w = w.map((value, j) => value + now[j]! - before[j]!);
          y = next;
        }
        return y;
      }),
    );
    return [...x];
  });
}

describe("DIFF2-BVR-L-SGD", () => {
  it("without clip and noise is the paper's loop with the mean of the cohort", async () => {
    const options = { restartEvery: 2, smoothnessBound: 1e3 };
    expectClose(await models(options, everyone(10)), byHand(5, 2));
  });

  it("moves the model in even rounds only", async () => {
    const { rounds } = await privateTrace(diff2BvrLSgd(), { privacy: loose, ...everyone(4) });
    expect(rounds[0]).toEqual(HETEROGENEOUS.x0);
    expect(rounds[2]).toEqual(rounds[1]);
    expect(rounds[3]).not.toEqual(rounds[1]);
  });

  it("with K = 1 is DIFF2-GD, and nothing private is in the step", async () => {
    const one = { localSteps: 1, ...everyone(8) };
    const options = { restartEvery: 3, smoothnessBound: 1.5 };
    const gd = await privateTrace(diff2({ ...options, serverLearningRate: eta }), {
      ...one,
      ...everyone(4),
      privacy: { clipNorm: 3 },
    });
    expectClose(await models(options, { ...one, privacy: { clipNorm: 3 } }), gd.rounds);
    const { aggregates } = await privateTrace(diff2BvrLSgd(options), {
      ...one,
      privacy: { clipNorm: 3, noiseMultiplier: 1 },
    });
    for (const noise of aggregates[1]!["change"]!) expect(Math.abs(noise)).toBeLessThan(1e-13);
  });

  it("for clients that are all alike is FedAvg, whose drift is no bias then", async () => {
    const alike = { a: a.map(() => [1, 2, 3]), b: b.map(() => [1, -1, 2]) };
    const { rounds } = await privateTrace(fedavg(), { ...alike, ...everyone(4) });
    expectClose(await models({ smoothnessBound: 1e3 }, { ...alike, ...everyone(8) }), rounds);
  });

  it("never clips where C2 is at least the curvature", async () => {
    const tight = await models({ smoothnessBound: 4 }, everyone(12));
    expect(tight).toEqual(await models({ smoothnessBound: 1e3 }, everyone(12)));
    expect(tight).not.toEqual(await models({ smoothnessBound: 0.3 }, everyone(12)));
  });

  it("bounds how far clients part from the released one by public numbers", () => {
    const algorithm = diff2BvrLSgd({ smoothnessBound: 2, restartEvery: 2 });
    const [here, there, gradient] = [Float64Array.of(1, 2), Float64Array.of(1, 5), Float64Array.of(3, 4)];
    const model = layout([{ name: "x", shape: [2], role: "vector", block: "x" }]);
    const state = (rounds: number) => ({
      vectors: { parameters: here, previous: there, gradient },
      scalars: { rounds },
    });
    const context = { round: 1, cohortSize: 4, population: 4, learningRate: 0.1, localSteps: 3, weightedSteps: 3 };
    const clipNorm = (rounds: number) =>
      algorithm.privacy!.clipNorm!(state(rounds), 0.7, { ...context, layout: model });
    expect(clipNorm(0)).toBe(0.7); // restart: C1
    expect(clipNorm(2)).toBe(6); // difference: C2 |x - x'| = 2 * 3
    expect(clipNorm(4)).toBe(0.7);
    // descent: |v| = 5, growth 1.2 a step, mean of 0, 0.2 and 0.44
    expect(clipNorm(1)).toBeCloseTo((5 * (0 + 0.2 + 0.44)) / 3, 12);
  });

  it("releases nothing beyond that bound", async () => {
    const { aggregates, rounds } = await privateTrace(diff2BvrLSgd({ smoothnessBound: 0.3 }), {
      privacy: { clipNorm: 0.5 },
      ...everyone(2),
    });
    const v = Math.hypot(...aggregates[0]!["change"]!);
    const bound = v * ((1 + 1.03 + 1.03 ** 2) / 3 - 1);
    expect(Math.hypot(...aggregates[1]!["change"]!)).toBeLessThanOrEqual(bound * (1 + 1e-12));
    expect(Math.hypot(...rounds[1]!)).toBeGreaterThan(0);
  });
});
