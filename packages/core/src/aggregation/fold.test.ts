import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Vector } from "../params/index.ts";
import { type FoldRule, fold, foldRange } from "./fold.ts";
import { BLOCK } from "./kernel.ts";

const rules: FoldRule[] = ["weightedMean", "uniformMean", "sum"];

function aggregate<V extends Vector>(rule: FoldRule, vectors: readonly V[], weights: readonly number[], out: V): V {
  const running = fold(rule, out.length);
  vectors.forEach((vector, k) => {
    running.add(vector, weights[k]!);
  });
  return running.result(out);
}

/** A cohort of float32 updates that are no round numbers; a linear congruence keeps it the same everywhere. */
function cohort(clients: number, size: number): { vectors: Float32Array[]; weights: number[] } {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const vectors = Array.from({ length: clients }, () => Float32Array.from({ length: size }, next));
  return { vectors, weights: vectors.map(() => 1 + Math.abs(next()) * 79) };
}

describe("fold", () => {
  it("gives the mean and the sum by hand", () => {
    const vectors = [Float64Array.of(1, 2), Float64Array.of(3, 10)];
    // Weights 1 and 3: (1 + 9) / 4 = 2.5 and (2 + 30) / 4 = 8.
    expect([...aggregate("weightedMean", vectors, [1, 3], new Float64Array(2))]).toEqual([2.5, 8]);
    expect([...aggregate("uniformMean", vectors, [1, 3], new Float64Array(2))]).toEqual([2, 6]);
    expect([...aggregate("sum", vectors, [1, 3], new Float64Array(2))]).toEqual([4, 12]);
  });

  it("counts, sums weights and can start again", () => {
    const running = fold("weightedMean", 1);
    running.addAll([Float32Array.of(1), Float32Array.of(2)], [2, 6]);
    expect([running.count, running.weightSum]).toEqual([2, 8]);
    expect(running.result(new Float32Array(1))[0]).toBe(1.75);
    running.add(Float32Array.of(1.75), 8);
    expect(running.result(new Float32Array(1))[0]).toBe(1.75);
    running.reset();
    expect([running.count, running.weightSum]).toEqual([0, 0]);
    running.add(Float32Array.of(5), 3);
    expect(running.result(new Float32Array(1))[0]).toBe(5);
  });

  it.each(rules)("%s is exact on integers (BigInt reference)", (rule) => {
    const integer = fc.integer({ min: -(2 ** 23), max: 2 ** 23 });
    const update = fc.record({
      values: fc.array(integer, { minLength: 3, maxLength: 3 }),
      weight: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(update, { minLength: 1, maxLength: 20 }), (updates) => {
        const vectors = updates.map(({ values }) => Float64Array.from(values));
        const weights = updates.map(({ weight }) => weight);
        const got = aggregate(rule, vectors, weights, new Float64Array(3));
        for (let i = 0; i < 3; i++) {
          const coefficients = updates.map(({ weight }) => (rule === "weightedMean" ? BigInt(weight) : 1n));
          const sum = updates.reduce((total, { values }, k) => total + coefficients[k]! * BigInt(values[i]!), 0n);
          const divisor = rule === "sum" ? 1n : coefficients.reduce((total, c) => total + c, 0n);
          // Sums stay under 2^53, so both are exact and one division rounds once.
          expect(got[i]).toBe(Number(sum) / Number(divisor) + 0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is linear: fold(a x + b y) = a fold(x) + b fold(y)", () => {
    // Integers and dyadic factors make every operation exact, so equality is exact too.
    const values = fc.array(fc.integer({ min: -1024, max: 1024 }), { minLength: 4, maxLength: 4 });
    const factor = fc.integer({ min: -16, max: 16 }).map((n) => n / 8);
    fc.assert(
      fc.property(fc.array(fc.tuple(values, values), { minLength: 4, maxLength: 4 }), factor, factor, (pairs, a, b) => {
        const weights = [1, 2, 4, 1];
        const mean = (pick: (pair: [number[], number[]]) => number[]) =>
          aggregate(
            "weightedMean",
            pairs.map((pair) => Float64Array.from(pick(pair))),
            weights,
            new Float64Array(4),
          );
        const x = mean(([first]) => first);
        const y = mean(([, second]) => second);
        const both = mean(([first, second]) => first.map((value, i) => a * value + b * second[i]!));
        const plus = (value: number) => value + 0; // -0 and 0 are one
        expect([...both].map(plus)).toEqual([...x].map((value, i) => plus(a * value + b * y[i]!)));
      }),
    );
  });

  it("returns the update that all clients agree on", () => {
    const vector = Float32Array.of(0.1, -7.3e-9, 3e38);
    for (const clients of [1, 3, 8, 13]) {
      const same = Array.from({ length: clients }, () => vector);
      expect(
        aggregate(
          "weightedMean",
          same,
          same.map((_, k) => k + 1),
          new Float32Array(3),
        ),
      ).toEqual(vector);
    }
  });

  it("depends on the order of the cohort in the last bits only, which is why the order is fixed", () => {
    const vectors = [Float64Array.of(1e16), Float64Array.of(1), Float64Array.of(-1e16)];
    const sum = (order: number[]) =>
      aggregate(
        "sum",
        order.map((k) => vectors[k]!),
        [1, 1, 1],
        new Float64Array(1),
      )[0];
    // 1e16 + 1 rounds back to 1e16 (spacing 2), so only one of the orders keeps the 1.
    expect([sum([0, 1, 2]), sum([0, 2, 1])]).toEqual([0, 1]);
  });

  it("adds several at once with the bits of one at a time", () => {
    const size = BLOCK + 77;
    for (const clients of [1, 3, 4, 7, 8, 9, 13, 21]) {
      const { vectors, weights } = cohort(clients, size);
      const together = fold("weightedMean", size);
      together.addAll(vectors.slice(0, 5), weights.slice(0, 5));
      together.addAll(vectors.slice(5), weights.slice(5));
      expect(together.result(new Float64Array(size))).toEqual(
        aggregate<Vector>("weightedMean", vectors, weights, new Float64Array(size)),
      );
    }
  });
});

describe("foldRange", () => {
  it.each(rules)("%s of any split by coordinates has the bits of the sequential fold", (rule) => {
    const size = 2 * BLOCK + 131;
    const { vectors, weights } = cohort(11, size);
    for (const Kind of [Float32Array, Float64Array]) {
      const whole = aggregate<Vector>(rule, vectors, weights, new Kind(size));
      for (const cuts of [[], [1], [BLOCK], [4000, 4001, 9000 - BLOCK], [size - 1]]) {
        const sharded = new Kind(size);
        const bounds = [0, ...cuts, size];
        for (let s = 0; s + 1 < bounds.length; s++) {
          foldRange(rule, vectors, weights, bounds[s]!, bounds[s + 1]!, sharded);
        }
        expect(sharded).toEqual(whole);
      }
    }
  });

  it("writes nothing outside its range", () => {
    const out = new Float32Array(5).fill(9);
    foldRange("sum", [Float32Array.of(1, 2, 3, 4, 5)], [1], 1, 3, out);
    expect([...out]).toEqual([9, 2, 3, 9, 9]);
  });
});

describe("errors", () => {
  const x = Float32Array.of(1);
  it.each([
    ["aggregation/length", () => fold("sum", 2).add(x, 1)],
    ["aggregation/length", () => fold("sum", 1).addAll([x, x], [1])],
    ["aggregation/length", () => fold("sum", 1).result(new Float32Array(2))],
    ["aggregation/weight", () => fold("weightedMean", 1).add(x, -1)],
    ["aggregation/weight", () => fold("weightedMean", 1).add(x, Number.NaN)],
    ["aggregation/weight", () => fold("weightedMean", 1).add(x, Number.POSITIVE_INFINITY)],
    ["aggregation/empty", () => fold("uniformMean", 1).result(new Float32Array(1))],
    ["aggregation/empty", () => aggregate("weightedMean", [x], [0], new Float32Array(1))],
    ["aggregation/range", () => foldRange("sum", [x], [1], 0, 2, new Float32Array(1))],
    ["aggregation/range", () => foldRange("sum", [x], [1], -1, 1, new Float32Array(1))],
  ])("%s", (code, action) => {
    expect(action).toThrow(expect.objectContaining({ code }));
  });

  it("leaves the fold as it was when one of several updates is refused", () => {
    const running = fold("sum", 1);
    running.add(x, 1);
    expect(() => running.addAll([x, new Float32Array(2)], [1, 1])).toThrow();
    expect([running.count, running.result(new Float32Array(1))[0]]).toEqual([1, 1]);
  });
});
