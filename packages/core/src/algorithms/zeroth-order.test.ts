import { describe, expect, it } from "vitest";
import { fromByte, toByte } from "../compression/index.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Algorithm } from "./algorithm.ts";
import { fedavg } from "./fedavg.ts";
import { seededWalk } from "./fedkseed.ts";
import { projectedAveraging } from "./ferret.ts";
import { loggedProbes } from "./onebyte.ts";

const a = [
  [1, 2, 0.5],
  [3, 1, 2],
  [0.5, 4, 1],
];
const b = [
  [1, -1, 0.5],
  [-1, 2, 1],
  [2, 0, -1],
];
const x0 = [0.5, -0.3, 0.2];
const cohorts = [
  [0, 1, 2],
  [2, 0],
  [1, 2],
];
const problem: Quadratics = { a, b, x0, learningRate: 0.05, localSteps: 2, cohorts };
const loss = (k: number, x: readonly number[]) =>
  x.reduce((sum, xj, j) => sum + 0.5 * a[k]![j]! * (xj - b[k]![j]!) ** 2, 0);
const along = (x: readonly number[], z: readonly number[], c: number) => x.map((xj, j) => xj + c * z[j]!);
/** Numbers that look drawn. */
const z = (...path: number[]) => x0.map((_, j) => Math.sin(1 + 7 * j + path.reduce((h, p) => 3.7 * h + 11.3 * p, 1)));
const slope = (k: number, x: readonly number[], direction: readonly number[], eps: number) =>
  (loss(k, along(x, direction, eps)) - loss(k, along(x, direction, -eps))) / (2 * eps);
const named = (body: Omit<Algorithm, "name" | "options">): Algorithm => ({ name: "traced", options: {}, ...body });

function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]) {
  expect(actual.length).toBe(expected.length);
  for (const [r, row] of expected.entries())
    for (const [j, v] of row.entries()) expect(actual[r]![j]).toBeCloseTo(v, 9);
}

describe("FedKSeed", () => {
  const K = 4;
  const pool = Array.from({ length: K }, (_, j) => z(j));
  const pickOf = (round: number, k: number, step: number) => (3 * round + 2 * k + 5 * step) % K;
  const picks = cohorts.map((cohort, round) =>
    Object.fromEntries(cohort.map((k) => [k, [0, 1].map((step) => pickOf(round, k, step))])),
  );

  it.each([false, true])("walks and sums as the paper says (pro: %s)", async (pro) => {
    const method = named(
      seededWalk({ seeds: K, perturbation: 1e-3, pro, directions: { family: "given", rows: pool }, picks }),
    );
    let x: number[] = x0;
    const seen: number[][] = pool.map(() => [0]);
    const expected = cohorts.map((cohort, round) => {
      const sums = new Array<number>(K).fill(0);
      for (const k of cohort) {
        let w = x;
        for (let step = 0; step < 2; step++) {
          const j = pickOf(round, k, step);
          const g = slope(k, w, pool[j]!, 1e-3);
          sums[j]! += g;
          seen[j]!.push(Math.min(Math.abs(g), 1000));
          w = along(w, pool[j]!, -0.05 * g);
        }
      }
      for (const [j, sum] of sums.entries()) x = along(x, pool[j]!, (-0.05 * sum) / cohort.length);
      return x;
    });
    const { rounds, server } = await traceFederation(method, problem);
    expectClose(rounds, expected);
    if (!pro) return;
    const means = seen.map((values) => values.reduce((p, q) => p + q) / values.length);
    const [least, most] = [Math.min(...means), Math.max(...means)];
    const weights = means.map((mean) => Math.exp((mean - least) / (most - least)));
    const total = weights.reduce((p, q) => p + q);
    const { probabilities } = method.broadcast(server, {}, 4);
    expectClose([Array.from(probabilities!)], [weights.map((weight) => weight / total)]);
    expect(Math.max(...probabilities!) / Math.min(...probabilities!)).toBeCloseTo(Math.E, 9);
  });

  it("moves in the span of its directions alone", async () => {
    const one = { family: "given", rows: [[1, 1, 0]] } as const;
    const method = named(seededWalk({ seeds: 1, perturbation: 1e-3, pro: false, directions: one }));
    const { rounds } = await traceFederation(method, problem);
    const moved = rounds.at(-1)!.map((x, j) => x - x0[j]!);
    expect(moved[0]).toBeCloseTo(moved[1]!, 12);
    expect(Math.abs(moved[0]!)).toBeGreaterThan(1e-4);
    expect(moved[2]).toBe(0);
  });

  it("draws all directions alike in its first round with pro, as nothing is known of them", () => {
    const options = { seeds: 5, perturbation: 1, pro: true, directions: { family: "rademacher", seed: 1 } } as const;
    const method = seededWalk(options);
    const state = method.init(new Float64Array(3), undefined as never);
    expect(Array.from(method.broadcast(state, {}, 1)["probabilities"]!)).toEqual(new Array(5).fill(0.2));
  });
});

describe("Just One Byte", () => {
  it.each([
    ["mean", true],
    ["mean", false],
    ["sqrt", true],
    ["sqrt", false],
  ] as const)("averages slopes at one model (%s, bytes: %s)", async (normalization, quantize) => {
    const rows = cohorts.map((_, round) => a.map((_, k) => [0, 1].map((j) => z(round, k, j))));
    const directions = { family: "given", rows } as const;
    const method = named(loggedProbes({ perturbation: 1e-3, normalization, quantize, directions }));
    let x: number[] = x0;
    const expected = cohorts.map((cohort, round) => {
      const [n, at] = [2 * cohort.length, x];
      for (const k of cohort) {
        for (const j of [0, 1]) {
          const g = slope(k, at, z(round, k, j), 1e-3);
          const factor = 0.05 / (normalization === "mean" ? n : Math.sqrt(n));
          x = along(x, z(round, k, j), -factor * (quantize ? fromByte(toByte(g)) : g));
        }
      }
      return x;
    });
    const { rounds } = await traceFederation(method, problem);
    expectClose(rounds, expected);
  });
});

describe("Ferret", () => {
  it("is FedAvg where directions are an orthonormal basis and all are used", async () => {
    const basis = (d: number) =>
      Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => Number(i === j)));
    // c = <D, v> / (rho K) with rho = 1 / d: the block of 2 has K = 2
    const method = named(
      projectedAveraging({
        serverLearningRate: 1,
        count: 2,
        variant: "code",
        blocks: [2],
        directions: { family: "given", rows: cohorts.map(() => [basis(2)]) },
      }),
    );
    const two = { ...problem, a: a.map((row) => row.slice(0, 2)), b: b.map((row) => row.slice(0, 2)), x0: [0.5, -0.3] };
    const [ours, theirs] = [await traceFederation(method, two), await traceFederation(fedavg(), two)];
    expectClose(ours.rounds, theirs.rounds);
  });

  it("takes the directions of each block in the order of the client, as many as its norm says", async () => {
    const [K, blocks] = [3, [1, 2]];
    const v = (l: number, j: number) => z(l, j).slice(0, blocks[l]);
    const rows = cohorts.map(() => blocks.map((_, l) => [0, 1, 2].map((j) => v(l, j))));
    const order = [
      [2, 0, 1],
      [1, 2, 0],
    ];
    const method = named(
      projectedAveraging({
        ...{ serverLearningRate: 0.5, count: K, variant: "code", blocks },
        directions: { family: "given", rows },
        orders: cohorts.map((cohort) => Object.fromEntries(cohort.map((k) => [k, order]))),
      }),
    );
    const first = { ...problem, cohorts: [[0]] };
    const [y] = (await traceFederation(fedavg(), first)).rounds;
    const change = y!.map((value, j) => value - x0[j]!);
    const pieces = [change.slice(0, 1), change.slice(1)];
    const norms = pieces.map((piece) => Math.hypot(...piece));
    const expected = pieces.flatMap((piece, l) => {
      const budget = Math.max(2, Math.floor((norms[l]! / Math.max(...norms)) * K + 1e-9));
      const moved = piece.map(() => 0);
      for (const j of order[l]!.slice(0, budget)) {
        const c = (piece.reduce((sum, value, i) => sum + value * v(l, j)[i]!, 0) * piece.length) / budget;
        for (const i of moved.keys()) moved[i]! += c * v(l, j)[i]!;
      }
      return moved;
    });
    const { rounds } = await traceFederation(method, first);
    expectClose(rounds, [x0.map((value, j) => value + 0.5 * expected[j]!)]);
  });
});
