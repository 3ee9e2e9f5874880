import { expect, it } from "vitest";
import { erfValue } from "./erf.ts";

it.each([
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [2, 0.9953222650189527],
  [3.5, 0.9999992569016276],
  [5, 0.9999999999984626],
])("erf(%d)", (x, expected) => {
  expect(Math.abs(erfValue(x) - expected)).toBeLessThan(2.3e-16);
  expect(erfValue(-x)).toBe(-erfValue(x));
});

it("agrees with its Maclaurin series", () => {
  for (let x = -2; x <= 2; x += 0.0625) {
    let term = x;
    let total = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    expect(Math.abs(erfValue(x) - (2 / Math.sqrt(Math.PI)) * total)).toBeLessThan(4e-15);
  }
});

it("special points", () => {
  expect(erfValue(0)).toBe(0);
  expect(erfValue(Number.POSITIVE_INFINITY)).toBe(1);
  expect(erfValue(Number.NEGATIVE_INFINITY)).toBe(-1);
  expect(erfValue(Number.NaN)).toBeNaN();
});
