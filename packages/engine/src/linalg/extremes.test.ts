import { describe, expect, it } from "vitest";
import { largest, smallest } from "./extremes.ts";

describe("largest and smallest", () => {
  it.each([
    [[]],
    [[3]],
    [[-1, 4, 2]],
    [[1, Number.NaN, 2]],
    [[-0, 0]],
    [[Number.POSITIVE_INFINITY, 1]],
  ])("agree with Math.max and Math.min on %j", (values) => {
    expect(largest(values)).toBe(Math.max(...values));
    expect(smallest(values)).toBe(Math.min(...values));
    expect(largest(values, 2)).toBe(Math.max(2, ...values));
    expect(smallest(values, 2)).toBe(Math.min(2, ...values));
  });

  it("take more values than a call takes arguments", () => {
    const values = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    expect([largest(values), smallest(values)]).toEqual([999_999, 0]);
    expect(() => Math.max(...values)).toThrow(RangeError);
  });
});
