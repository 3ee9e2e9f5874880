import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaOf, exactUpdate, type WeightedUpdate } from "./low-rank-update.ts";
import { frobeniusDistance, matrixOf, rowsOf } from "./matrix.ts";
import { padded } from "./mean-of-factors.ts";
import { relativeLambda } from "./residual-corrected.ts";
import { aggregatePairs, pairRuleNames } from "./rules.ts";

/** Updates [o, i] of the given ranks, from a linear congruence. */
function updatesOf(seed: number, ranks: readonly number[], o = 4, i = 5): WeightedUpdate[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const random = (rows: number, columns: number) =>
    matrixOf(Array.from({ length: rows }, () => Array.from({ length: columns }, next)));
  return ranks.map((r, k) => ({ a: random(r, i), b: random(o, r), scale: 2, weight: k + 1 }));
}

/** sum_k p_k s_k B_k A_k in plain loops. */
function exactByHand(updates: readonly WeightedUpdate[]): number[][] {
  const total = updates.reduce((sum, { weight }) => sum + weight, 0);
  const o = updates[0]!.b.rows;
  const i = updates[0]!.a.columns;
  return Array.from({ length: o }, (_, row) =>
    Array.from({ length: i }, (_, column) => {
      let sum = 0;
      for (const { a, b, scale, weight } of updates)
        for (let j = 0; j < a.rows; j++)
          sum += (weight / total) * scale * b.data[row * a.rows + j]! * a.data[j * i + column]!;
      return sum;
    }),
  );
}

const errorOf = (rule: Parameters<typeof aggregatePairs>[0], updates: readonly WeightedUpdate[], options = {}) =>
  frobeniusDistance(deltaOf(aggregatePairs(rule, updates, options)), exactUpdate(updates));

describe("rules for low-rank updates", () => {
  it("aim at the mean of the products", () => {
    const updates = updatesOf(1, [2, 3, 1]);
    expect(frobeniusDistance(exactUpdate(updates), matrixOf(exactByHand(updates)))).toBeLessThan(1e-14);
  });

  it("FLoRA and FlexLoRA of full rank are exact for mixed ranks and scales", () => {
    const updates = updatesOf(2, [3, 1, 2]).map((update, k) => ({ ...update, scale: 1 + k }));
    expect(errorOf("flora", updates)).toBeLessThan(1e-14);
    expect(errorOf("flexlora", updates, { rank: 4 })).toBeLessThan(1e-13);
    expect(aggregatePairs("flora", updates).a.rows).toBe(6);
  });

  it("FedIT misses by the products of differences", () => {
    const [x, y] = updatesOf(3, [2, 2]) as [WeightedUpdate, WeightedUpdate];
    const difference = {
      a: matrixOf(rowsOf(x.a).map((row, j) => row.map((v, c) => v - rowsOf(y.a)[j]![c]!))),
      b: matrixOf(rowsOf(x.b).map((row, j) => row.map((v, c) => v - rowsOf(y.b)[j]![c]!))),
      scale: 2 * (1 / 3) * (2 / 3),
    };
    const missed = frobeniusDistance(
      deltaOf(difference),
      matrixOf(rowsOf(deltaOf(difference)).map((row) => row.map(() => 0))),
    );
    expect(errorOf("fedit", [x, y])).toBeCloseTo(missed, 12);
  });

  it("no correction of LoRA-FAIR makes FedIT worse, and none of rank r beats FlexLoRA", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 10, noNaN: true }), (seed, lambda) => {
        const updates = updatesOf(seed, [2, 2, 2]);
        const mean = errorOf("fedit", updates);
        const corrected = errorOf("lora-fair", updates, { lambda });
        expect(corrected).toBeLessThanOrEqual(mean * (1 + 1e-12));
        expect(errorOf("flexlora", updates, { rank: 2 })).toBeLessThanOrEqual(corrected * (1 + 1e-12));
      }),
      { numRuns: 50 },
    );
  });

  it("LoRA-FAIR is FedIT for a large lambda and for equal clients, and takes a singular A", () => {
    const updates = updatesOf(4, [2, 2]);
    expect(errorOf("lora-fair", updates, { lambda: 1e12 })).toBeCloseTo(errorOf("fedit", updates), 9);
    const same = [updates[0]!, updates[0]!];
    const close = frobeniusDistance(aggregatePairs("lora-fair", same).b, updates[0]!.b);
    expect(close).toBeLessThan(1e-14);
    const flat = updates.map((update) => ({
      ...update,
      a: matrixOf([
        [1, 2, 3, 4, 5],
        [2, 4, 6, 8, 10],
      ]),
    }));
    const { b } = aggregatePairs("lora-fair", flat, { lambda: 0 });
    expect(b.data.every(Number.isFinite)).toBe(true);
    // lambda in units of the mean eigenvalue of A A^T = 55 (1 + 4) / 2
    expect(relativeLambda(flat[0]!, 0.01)).toBeCloseTo(1.375, 12);
  });

  it("zero-pad fills ranks with zeros and FedIT refuses to", () => {
    const updates = updatesOf(5, [1, 3]);
    const { a, b } = aggregatePairs("zero-pad", updates);
    expect([a.rows, b.columns]).toEqual([3, 3]);
    expect(a.data[5]).toBeCloseTo((2 / 3) * updates[1]!.a.data[5]!, 12);
    expect(() => aggregatePairs("fedit", updates)).toThrow(/zero-pad/);
    expect(rowsOf(padded(updates[1]!, 1).a)).toEqual([rowsOf(updates[1]!.a)[0]]);
  });

  it.each(pairRuleNames)("%s of one client is that client's update", (rule) => {
    const [update] = updatesOf(6, [2]);
    expect(frobeniusDistance(deltaOf(aggregatePairs(rule, [update!])), deltaOf(update!))).toBeLessThan(1e-13);
  });

  it("refuses factors that do not fit, weights without a sum and bad options", () => {
    const [x] = updatesOf(7, [2]);
    const refusal = (updates: readonly WeightedUpdate[], options = {}) => {
      try {
        aggregatePairs("lora-fair", updates, options);
      } catch (error) {
        return (error as { code: string }).code;
      }
      return undefined;
    };
    expect(refusal([])).toBe("adapters/shape");
    expect(refusal([{ ...x!, a: matrixOf([[1, 2, 3, 4, 5]]) }])).toBe("adapters/shape");
    expect(refusal([x!, ...updatesOf(1, [2], 3)])).toBe("adapters/shape");
    expect(refusal([{ ...x!, weight: 0 }])).toBe("adapters/weights");
    expect(refusal([{ ...x!, scale: 0 }])).toBe("adapters/option");
    expect(refusal([x!], { lambda: -1 })).toBe("adapters/option");
    expect(() => matrixOf([[1, 2], [3]])).toThrow("different lengths");
  });
});
