import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { type BatchSchedule, type LocalBudget, planBatches, stepCount } from "./batches.ts";

/** The rows of each step that have a weight. */
function rowsOf({ steps, indices, weights }: BatchSchedule, batch: number): number[][] {
  return Array.from({ length: steps }, (_, k) =>
    [...indices.subarray(k * batch, (k + 1) * batch)].filter((_row, i) => weights[k * batch + i]! > 0),
  );
}

describe("planBatches", () => {
  it("counts epochs in batches, the last short one included, and takes steps as they are", () => {
    expect(stepCount(10, 4, { localEpochs: 2 })).toBe(6);
    expect(stepCount(3, 4, { localEpochs: 1 })).toBe(1);
    expect(stepCount(10, 4, { localSteps: 5 })).toBe(5);
  });

  it("visits every row once in a pass, in an order of each pass's own", () => {
    const plan = planBatches(10, 4, { localEpochs: 2 }, rootKey(1));
    const rows = rowsOf(plan, 4);
    expect(rows.map((step) => step.length)).toEqual([4, 4, 2, 4, 4, 2]);
    const passes = [rows.slice(0, 3).flat(), rows.slice(3).flat()];
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(passes[0]).not.toEqual(passes[1]);
  });

  it("goes on with new passes until the steps are done, and may end within one", () => {
    const rows = rowsOf(planBatches(5, 2, { localSteps: 4 }, rootKey(1)), 2);
    expect(rows.map((step) => step.length)).toEqual([2, 2, 1, 2]);
    expect(new Set(rows.slice(0, 3).flat()).size).toBe(5);
  });

  it("weighs the rows of a step alike, to 1 in all, and padding with 0, for any sizes", () => {
    const budget: fc.Arbitrary<LocalBudget> = fc.oneof(
      fc.record({ localEpochs: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ localSteps: fc.integer({ min: 1, max: 9 }) }),
    );
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, budget, fc.integer({ min: 0 }), (examples, batch, wanted, seed) => {
        const plan = planBatches(examples, batch, wanted, rootKey(seed));
        expect(plan).toEqual(planBatches(examples, batch, wanted, rootKey(seed)));
        expect(plan.indices.every((row) => row >= 0 && row < examples)).toBe(true);
        for (let k = 0; k < plan.steps; k++) {
          const weights = plan.weights.subarray(k * batch, (k + 1) * batch);
          expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
          expect(new Set(weights.filter((weight) => weight > 0)).size).toBe(1);
        }
      }),
      { seed: 1 },
    );
  });
});
