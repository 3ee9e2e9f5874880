import { describe, expect, it } from "vitest";
import { deltaOf, exactUpdate } from "./low-rank-update.ts";
import { frobeniusDistance, matrixOf, rowsOf } from "./matrix.ts";
import { factored } from "./refactored.ts";
import { gradientFromFactors, groupImportance, leastImportant, scattered } from "./structured-pruning.ts";

const a = matrixOf([[1, 2]]);
const b = matrixOf([[3], [4], [5]]);

describe("structured pruning", () => {
  it("estimates the gradient of the product from those of the factors", () => {
    const gradient = gradientFromFactors({ a, b }, { a: matrixOf([[1, 0]]), b: matrixOf([[1], [0], [2]]) });
    // dB A + B dA - dB dA, row by row
    expect(rowsOf(gradient)).toEqual([
      [1 + 3 - 1, 2],
      [4, 0],
      [2 + 5 - 2, 4],
    ]);
    const weight = matrixOf([
      [0, 0],
      [1, 1],
      [0, -10],
    ]);
    const importance = groupImportance(weight, { a, b }, gradient, [[0, 1], [2]]);
    expect(importance).toEqual([(3 * 3) ** 2 + (6 * 2) ** 2 + (5 * 4) ** 2, (5 * 5) ** 2]);
  });

  it("prunes floor(ratio n) groups, the lower index of equal ones", () => {
    expect(leastImportant([2, 1, 1, 1], 0.5)).toEqual([1, 2]);
    expect(leastImportant([2, 1, 1, 1], 0.24)).toEqual([]);
    // 0.29 * 100 is 28.999999999999996
    expect(leastImportant(Array(100).fill(0), 0.29)).toHaveLength(29);
    expect(() => leastImportant([1], 1.5)).toThrow("0 to 1");
  });

  it("scatters rows back, and is the exact mean where nothing was pruned", () => {
    const updates = [
      { a, b, rows: [0, 1, 2], weight: 1 },
      { a: matrixOf([[0, 1]]), b: matrixOf([[8]]), rows: [1], weight: 3 },
    ];
    expect(rowsOf(scattered(updates, 3, 2))).toEqual([
      [0.75, 1.5],
      [1, 2 + 6],
      [1.25, 2.5],
    ]);
    const whole = [{ a, b, rows: [0, 1, 2], weight: 1 }];
    expect(frobeniusDistance(scattered(whole, 3, 2), exactUpdate([{ a, b, scale: 1, weight: 1 }]))).toBe(0);
    expect(frobeniusDistance(deltaOf(factored(scattered(updates, 3, 2), 2, 1)), scattered(updates, 3, 2))).toBeLessThan(
      1e-13,
    );
    expect(() => scattered([{ a, b, rows: [0, 1, 3], weight: 1 }], 3, 2)).toThrow("0 to 2");
    expect(() => scattered([{ a, b, rows: [0], weight: 1 }], 3, 2)).toThrow("rows that were kept");
  });
});
