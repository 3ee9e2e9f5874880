import { expect, it } from "vitest";
import { erfcxValue, erfValue } from "./erf.ts";

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

it("erfcx is 1 - erf, scaled, and falls like 1 / (x sqrt(pi))", () => {
  for (let x = 0; x <= 2; x += 0.125) {
    const direct = Math.exp(x * x) * (1 - erfValue(x));
    expect(Math.abs(erfcxValue(x) / direct - 1)).toBeLessThan(2e-14);
  }
  // The asymptotic series: 1/(x sqrt(pi)) (1 - 1/(2x^2) + 3/(4x^4) - 15/(8x^6) + 105/(16x^8) - 945/(32x^10).).
  for (const x of [20, 40, 1e3]) {
    const s = 1 / (2 * x * x);
    const expected = (1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s))))) / (x * Math.sqrt(Math.PI));
    expect(Math.abs(erfcxValue(x) / expected - 1)).toBeLessThan(1e-12);
  }
});
