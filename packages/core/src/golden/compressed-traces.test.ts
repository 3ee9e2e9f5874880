import { describe, expect, it } from "vitest";
import { runGolden } from "./run-golden.ts";

/** Plain loops over two or three clients: what the methods of the product must do. */
const a = [
  [1, 2, 0.5, 1.5],
  [2, 1, 1.5, 0.5],
  [0.5, 1, 2, 1],
];
const b = [
  [1, -1, 2, 0.5],
  [0, 1.5, -1, 2],
  [-2, 0.25, 1, -1],
];
const x0 = [0.5, -1.5, 1, 2];
const gradient = (i: number, x: readonly number[]) => x.map((value, j) => a[i]![j]! * (value - b[i]![j]!));
const mean = (rows: readonly number[][]) =>
  rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
const minus = (x: readonly number[], y: readonly number[], rate = 1) => x.map((value, j) => value - rate * y[j]!);

function expectClose(got: unknown, expected: readonly (readonly number[])[]) {
  const rows = got as number[][];
  expect(rows).toHaveLength(expected.length);
  for (const [r, row] of expected.entries()) {
    for (const [j, value] of row.entries()) expect(rows[r]![j]!).toBeCloseTo(value, 10);
  }
}

function keepLargest(v: readonly number[], k: number) {
  const order = v.map((_, j) => j).sort((i, j) => Math.abs(v[j]!) - Math.abs(v[i]!) || i - j);
  const kept = order.slice(0, k).sort((i, j) => i - j);
  return { kept, vector: v.map((value, j) => (kept.includes(j) ? value : 0)) };
}

describe("golden traces of compressed methods follow plain loops:", () => {
  it("FLASC with a server of SGD", async () => {
    const cohorts = [
      [0, 1, 2],
      [0, 2],
      [1, 2],
    ];
    const input = { a, b, x0, learningRate: 0.1, localSteps: 2, cohorts };
    const options = {
      downDensity: 0.5,
      upDensity: 0.25,
      localMomentum: 0.9,
      server: { name: "sgd", learningRate: 0.7 },
    };
    const rounds: number[][] = [];
    const supports: number[][][] = [];
    let x = x0;
    for (const cohort of cohorts) {
      const down = keepLargest(x, 2);
      const ups = cohort.map((i) => {
        let y = down.vector;
        let v = y.map(() => 0);
        for (let step = 0; step < 2; step++) {
          const g = gradient(i, y);
          v = v.map((value, j) => 0.9 * value + g[j]!);
          y = minus(y, v, 0.1);
        }
        return keepLargest(minus(down.vector, y), 1);
      });
      x = minus(x, mean(ups.map(({ vector }) => vector)), 0.7);
      rounds.push(x);
      supports.push([down.kept, ...ups.map(({ kept }) => kept)]);
    }
    const got = (await runGolden({ operation: "trace.flasc", input, options })) as {
      rounds: unknown;
      supports: unknown;
    };
    expectClose(got.rounds, rounds);
    expect(got.supports).toEqual(supports);
  });

  it("sketching with clipped gradients and noise", async () => {
    const cohorts = [
      [0, 2],
      [1, 2],
    ];
    const matrix = [
      [0.5, -1, 0.25, 0.75],
      [1, 0.5, -0.5, 0.25],
    ];
    const noise = cohorts.map((cohort, r) =>
      cohort.map((i) => [0, 1].map((s) => x0.map((_, j) => Math.sin(r + i + s + j)))),
    );
    const input = { a, b, x0, learningRate: 0.1, localSteps: 2, cohorts, noise };
    const tables = cohorts.map(() => ({ family: "dense", matrix }));
    const rounds: number[][] = [];
    let x = x0;
    for (const [r, cohort] of cohorts.entries()) {
      const sketches = cohort.map((i, place) => {
        let u = x;
        for (let step = 0; step < 2; step++) {
          const g = gradient(i, u);
          const factor = Math.min(1, 0.8 / Math.hypot(...g));
          const noisy = g.map((value, j) => factor * value + noise[r]![place]![step]![j]!);
          u = minus(u, noisy, 0.1);
        }
        const delta = minus(u, x);
        return matrix.map((row) => row.reduce((sum, value, j) => sum + value * delta[j]!, 0));
      });
      const y = mean(sketches);
      x = x.map((value, j) => value + 0.5 * matrix.reduce((sum, row, k) => sum + row[j]! * y[k]!, 0));
      rounds.push(x);
    }
    const options = { serverLearningRate: 0.5, clipNorm: 0.8 };
    const got = await runGolden({ operation: "trace.sketch", input: { ...input, tables }, options });
    expectClose((got as { rounds: unknown }).rounds, rounds);
  });

  it("FedPEFT, whose frozen coordinates keep their bits", async () => {
    const cohorts = [
      [0, 1, 2],
      [0, 2],
    ];
    const input = { a, b, x0, learningRate: 0.1, localSteps: 2, cohorts };
    const rounds: number[][] = [];
    let x = x0;
    for (const cohort of cohorts) {
      const models = cohort.map((i) => {
        let y = x;
        for (let step = 0; step < 2; step++) y = minus(y, gradient(i, y), 0.1);
        return y;
      });
      const next = mean(models);
      x = x.map((value, j) => ([1, 3].includes(j) ? next[j]! : value));
      rounds.push(x);
    }
    const got = (await runGolden({ operation: "trace.fedpeft", input, options: { trainable: [1, 3] } })) as {
      rounds: number[][];
      bytesUpPerClient: number;
    };
    expectClose(got.rounds, rounds);
    expect(got.bytesUpPerClient).toBe(8);
    for (const row of got.rounds) expect([row[0], row[2]]).toEqual([x0[0], x0[2]]);
  });

  it.each([
    [0, 0],
    [1, 0.5],
    [2, 0.25],
  ])("Streaming DiLoCo of two fragments with delay %s and mixing %s", async (tau, alpha) => {
    const [H, eta, mu, steps, offsets] = [3, 0.4, 0.9, 11, [0, 1]];
    const fragments = [[0, 2], [1, 3]]; // biome-ignore format: one line
    let X = [...x0];
    const u = x0.map(() => 0);
    const workers = a.map(() => [...x0]);
    const pending: (number[] | undefined)[] = [undefined, undefined];
    const events: { step: number; fragment: number; parameters: number[] }[] = [];
    const due = (t: number) => ((t % H) + H) % H === 0;
    for (let t = 1; t <= steps; t++) {
      for (const [i, x] of workers.entries()) workers[i] = minus(x, gradient(i, x), 0.05);
      for (const p of [0, 1]) {
        if (due(t - offsets[p]!)) pending[p] = fragments[p]!.map((j) => mean(workers.map((x) => [X[j]! - x[j]!]))[0]!);
      }
      for (const p of [0, 1]) {
        if (!due(t - offsets[p]! - tau) || pending[p] === undefined) continue;
        for (const [k, j] of fragments[p]!.entries()) {
          const D = pending[p][k]!;
          u[j] = mu * u[j]! + D;
          X = X.map((value, i) => (i === j ? value - eta * (D + mu * u[j]!) : value));
          for (const x of workers) x[j] = alpha * x[j]! + (1 - alpha) * X[j]!;
        }
        events.push({ step: t, fragment: p, parameters: [...X] });
      }
    }
    const inner = { name: "sgd", learningRate: 0.05 };
    const options = { inner, H, tau, alpha, fragments, offsets, outerLearningRate: eta, outerMomentum: mu };
    const input = { a, b, x0, steps };
    const got = (await runGolden({ operation: "trace.streamingDiloco", input, options })) as {
      events: typeof events;
      workers: number[][];
    };
    expect(got.events.map(({ step, fragment }) => [step, fragment])).toEqual(
      events.map(({ step, fragment }) => [step, fragment]),
    );
    expectClose(
      got.events.map(({ parameters }) => parameters),
      events.map(({ parameters }) => parameters),
    );
    expectClose(got.workers, workers);
  });
});
