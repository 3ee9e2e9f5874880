import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dot } from "../params/vector.ts";
import { alieFactor } from "./alie-factor.ts";
import { learnMimic, mimicMemory, mimicTarget } from "./mimic.ts";
import { maximiseOnLine, optimisedAlie, optimisedIpm } from "./optimised-attacks.ts";
import { meanOf, moved, squaredDistance } from "./statistics.ts";
import { alie, directions, minMax, minSum, signFlip } from "./update-attacks.ts";

const honest = [
  [1, 2],
  [2, 1],
  [1.5, 1.5],
  [2, 2],
  [1, 1],
  [1.2, 1.8],
].map((x) => Float64Array.from(x));

const value = fc.double({ min: -3, max: 3, noNaN: true });
const updates = fc
  .integer({ min: 1, max: 4 })
  .chain((d) => fc.array(fc.array(value, { minLength: d, maxLength: d }), { minLength: 2, maxLength: 6 }))
  .map((rows) => rows.map((row) => Float64Array.from(row)));

/** Largest distance between two of them, squared. */
const diameter = (xs: readonly Float64Array[]) => Math.max(...xs.flatMap((x) => xs.map((y) => squaredDistance(x, y))));
const sumFrom = (m: Float64Array, xs: readonly Float64Array[]) => xs.reduce((s, x) => s + squaredDistance(m, x), 0);

describe("updates of attackers", () => {
  it("sign flip and IPM scale the mean", () => {
    expect(Array.from(signFlip(meanOf(honest), 2))).toEqual([-2.9, -3.1].map((x) => expect.closeTo(x, 12)));
  });

  it("ALIE moves by z sample deviations", () => {
    const expected = [1.45 - 0.463681, 1.55 - 0.463681];
    expect(Array.from(alie(honest, 1, -1))).toEqual(expected.map((x) => expect.closeTo(x, 6)));
  });

  it.each([
    [50, 10, 0.2533],
    [50, 12, 0.336],
    [26, 5, 0.18],
    [25, 11, 1.0676],
    [100, 20, 0.2858],
  ])("ALIE derives z from %d clients with %d attackers", (clients, attackers, z) => {
    expect(alieFactor(clients, attackers)).toBeCloseTo(z, 4);
  });

  it.each([
    [10, 6],
    [4, 3],
    [2, 1],
  ])("ALIE refuses %d clients with %d attackers, of which z does not follow", (clients, attackers) => {
    expect(() => alieFactor(clients, attackers)).toThrow(expect.objectContaining({ code: "attack/alie" }));
  });

  it("Min-Max and Min-Sum take the factors of their closed forms", () => {
    const factors = directions.map((direction) => [minMax(honest, direction).factor, minSum(honest, direction).factor]);
    const expected = [
      [1.07563, 0.107833],
      [0.706712, 0.070711],
      [0.498749, 0.05],
    ];
    expect(factors).toEqual(expected.map((pair) => pair.map((x) => expect.closeTo(x, 6))));
  });

  it("Min-Max and Min-Sum go to the edge of the spread and not beyond it", () => {
    fc.assert(
      fc.property(updates, fc.constantFrom(...directions), (xs, direction) => {
        const mean = meanOf(xs);
        const farthest = (m: Float64Array) => Math.max(...xs.map((x) => squaredDistance(m, x)));
        const least = Math.min(...xs.map((x) => sumFrom(x, xs)));
        for (const [attack, measure, bound] of [
          [minMax, farthest, diameter(xs)],
          [minSum, (m: Float64Array) => sumFrom(m, xs), least],
        ] as const) {
          const { vector, factor } = attack(xs, direction);
          const slack = 1e-9 * Math.max(1, bound);
          expect(measure(vector)).toBeLessThanOrEqual(bound + slack);
          if (!(factor > 1e-3)) continue;
          const along = moved(vector, -1, mean);
          if (dot(along, along) < 1e-6) continue;
          expect(measure(moved(mean, 1.01, along))).toBeGreaterThan(bound - slack);
        }
      }),
    );
  });

  it("equal updates leave no room", () => {
    const same = [Float64Array.of(1, 2), Float64Array.of(1, 2)];
    for (const direction of directions) expect(Array.from(minMax(same, direction).vector)).toEqual([1, 2]);
    expect(Array.from(minSum(same, "std").vector)).toEqual([1, 2]);
  });
});

describe("mimic", () => {
  it("copies the client that is farthest along the learned direction", () => {
    const spread = [-3, 1, 2].map((x) => Float64Array.of(x, 0.1 * x));
    const memory = learnMimic(mimicMemory(Float64Array.of(1, 1)), spread);
    expect(dot(memory.direction, memory.direction)).toBeCloseTo(1, 12);
    expect(memory.direction[0]).toBeGreaterThan(0.9);
    expect(mimicTarget(memory, spread)).toBe(0);
  });
});

describe("optimised attacks", () => {
  const mean = { attackers: 2, evaluations: 16, rule: meanOf };

  it("spend all evaluations, the first one at 0", () => {
    const tried: number[] = [];
    maximiseOnLine((x) => tried.push(x) && -((x - 5) ** 2), 16);
    expect(tried.slice(0, 5)).toEqual([0, 1, 3, 7, 3 + 0.8 * 4 - 0.8 * 4 + 7 - 3 - 3.2]);
    expect(tried).toHaveLength(16);
  });

  it("find the maximum of a parabola", () => {
    expect(maximiseOnLine((x) => -((x - 5) ** 2), 60)).toBeCloseTo(5, 3);
  });

  it("send a mean as far as the evaluations reach", () => {
    expect(optimisedIpm(honest, mean).factor).toBe(2 ** 15 - 1);
    expect(optimisedAlie(honest, mean, -1).factor).toBe(2 ** 15 - 1);
  });

  it("stay where the rule refuses all else", () => {
    let calls = 0;
    const rule = () => (calls++ === 0 ? Float64Array.of(0, 0) : undefined);
    expect(optimisedIpm(honest, { ...mean, rule }).factor).toBe(0);
  });
});
