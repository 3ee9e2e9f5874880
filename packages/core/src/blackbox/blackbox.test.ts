import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../random/index.ts";
import { surrogateRound } from "./fzoos.ts";
import { processGradient } from "./gaussian-process.ts";
import { drawFeatures, featureGradient, featureValue, fitFeatures } from "./random-features.ts";
import { solvePositive } from "./solve-positive.ts";

const stream = randomStream(rootKey(4));
const point = (d: number) => Float64Array.from({ length: d }, () => stream.float());

describe("solving", () => {
  it("gives the solution, and refuses a matrix that is not positive definite", () => {
    const matrix = [
      [4, 2, 0.5],
      [2, 3, 1],
      [0.5, 1, 2],
    ];
    const x = solvePositive((i) => matrix[i]!, [1, 2, 3]);
    for (const [i, row] of matrix.entries())
      expect(row.reduce((sum, a, j) => sum + a * x[j]!, 0)).toBeCloseTo(i + 1, 12);
    expect(() => solvePositive((i) => [[1], [1, 1]][i]!, [1, 1])).toThrow(/too near to each other/);
  });
});

describe("the gradient of a Gaussian process", () => {
  const f = (x: Float64Array) => Math.sin(3 * x[0]!) + x[1]! ** 2;
  const points = Array.from({ length: 60 }, () => point(2));
  const queries = { points, values: points.map(f) };

  it("is that of the function where there are many values", () => {
    const x = Float64Array.of(0.4, 0.6);
    const [first, second] = processGradient(queries, { lengthScale: 1, jitter: 1e-8 }, x);
    expect(first).toBeCloseTo(3 * Math.cos(1.2), 1);
    expect(second).toBeCloseTo(1.2, 1);
  });

  it("is zero where all values are the same", () => {
    const flat = { points, values: points.map(() => 7) };
    expect(Array.from(processGradient(flat, { lengthScale: 1, jitter: 1e-8 }, point(2)))).toEqual([0, 0]);
  });
});

describe("random features", () => {
  const features = drawFeatures(3, 40, 1, stream);
  const queriesOf = (n: number) => {
    const points = Array.from({ length: n }, () => point(3));
    return { points, values: points.map((x) => x[0]! - x[1]! * x[2]!) };
  };

  it("have the gradient of their value", () => {
    const weights = fitFeatures(features, queriesOf(10), 1e-3);
    const x = point(3);
    for (const [j, slope] of featureGradient(features, weights, x).entries()) {
      const at = (shift: number) =>
        featureValue(
          features,
          weights,
          x.map((v, k) => v + (k === j ? shift : 0)),
        );
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope, 6);
    }
  });

  it("fit by either system: fewer values than features, or more", () => {
    for (const n of [10, 90]) {
      const queries = queriesOf(n);
      const weights = fitFeatures(features, queries, 0.01);
      // Phi^T (y - Phi w) = ridge w
      const left = queries.values.map((value, i) => value - featureValue(features, weights, queries.points[i]!));
      for (const [m, weight] of weights.entries()) {
        const one = weights.map((_, k) => Number(k === m));
        const sum = left.reduce((total, rest, i) => total + rest * featureValue(features, one, queries.points[i]!), 0);
        expect(sum).toBeCloseTo(0.01 * weight, 8);
      }
    }
  });
});

describe("FZooS", () => {
  const d = 10;
  const settings = { lengthScale: 1, jitter: 1e-6, ridge: 1e-6, localSteps: 10, learningRate: 0.02 };
  const minima = Array.from({ length: 5 }, () => point(d).map((value) => 0.3 + 0.4 * value));
  const functions = minima.map(
    (b) => (x: Float64Array) => x.reduce((sum, value, j) => sum + 0.5 * (value - b[j]!) ** 2, 0),
  );
  const best = minima[0]!.map((_, j) => minima.reduce((sum, b) => sum + b[j]! / 5, 0));
  const gap = (x: Float64Array) => functions.reduce((sum, f) => sum + (f(x) - f(best)) / 5, 0);
  const start = new Float64Array(d);

  const known = Array.from({ length: 10 }, () => point(d));

  function optimise(rounds: number, corrected = true) {
    const features = drawFeatures(d, 100, 1, randomStream(rootKey(1)));
    let state: Parameters<typeof surrogateRound>[3] = {
      x: start,
      history: functions.map((f) => ({ points: known, values: known.map(f) })),
    };
    for (let r = 0; r < rounds; r++) state = surrogateRound(functions, features, { ...settings, corrected }, state);
    return state;
  }

  it("takes one value a step and one a round, and gets nearer to the common minimum by what it knows of others", () => {
    const rounds = 8;
    const state = optimise(rounds);
    for (const { points } of state.history) expect(points.length).toBe(10 + rounds * (settings.localSteps + 1));
    expect(gap(state.x)).toBeLessThan(0.02 * gap(start));
    expect(gap(state.x)).toBeLessThan(0.5 * gap(optimise(rounds, false).x));
  });

  it("follows each client's own surrogate in the first round, whatever the features", () => {
    expect(optimise(1)).toEqual(optimise(1, false));
    expect(optimise(2).x).not.toEqual(optimise(2, false).x);
  });

  it("stays in the box, wherever the minimum is", () => {
    const out = [(x: Float64Array) => -x[0]! - x[1]!];
    const features = drawFeatures(2, 20, 1, stream);
    let state: Parameters<typeof surrogateRound>[3] = {
      x: Float64Array.of(0.9, 0.5),
      history: [{ points: [Float64Array.of(0.5, 0.5), Float64Array.of(0.2, 0.1)], values: [-1, -0.3] }],
    };
    for (let r = 0; r < 5; r++) state = surrogateRound(out, features, { ...settings, jitter: 1e-4 }, state);
    expect(Math.max(...state.x)).toBeLessThanOrEqual(1);
    expect(state.x[0]).toBeGreaterThan(0.95);
  });
});
