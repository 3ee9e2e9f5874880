import { expect, it } from "vitest";
import {
  logAddExp,
  logErfc,
  logExpm1,
  logFactorials,
  logNormalCdf,
  logSumExp,
  normalTail,
} from "./special-functions.ts";

it("logErfc is ln erfc, far beyond where erfc underflows", () => {
  // erfc(-1), erfc(0.1), erfc(2), erfc(5) from tables.
  const known = [
    [-1, 1.842700792949715],
    [0, 1],
    [0.1, 0.887537083981715],
    [2, 0.004677734981047266],
    [5, 1.5374597944280349e-12],
  ] as const;
  for (const [x, erfc] of known) expect(logErfc(x)).toBeCloseTo(Math.log(erfc), 13);
  // ln(e^(-x^2) / (x sqrt(pi)) (1 - 1/(2 x^2) + 3/(4 x^4) - ...)) at 100.
  expect(logErfc(100)).toBeCloseTo(-10_000 - Math.log(100 * Math.sqrt(Math.PI)) + Math.log1p(-5e-5 + 7.5e-9), 9);
  expect(logErfc(Number.POSITIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
});

it("normal distribution: tables, symmetry", () => {
  expect(Math.exp(logNormalCdf(1.96))).toBeCloseTo(0.9750021048517795, 14);
  expect(normalTail(-1.96)).toBeCloseTo(0.024997895148220484, 15);
  for (const x of [0.3, 2, 7, 20]) {
    expect(normalTail(x)).toBe(normalTail(-x));
    expect(Math.log(normalTail(x)) / logNormalCdf(-x)).toBeCloseTo(1, 13);
  }
  expect(normalTail(Number.NEGATIVE_INFINITY)).toBe(0);
});

it("sums of exponentials without overflow", () => {
  expect(logAddExp(1000, 1000)).toBeCloseTo(1000 + Math.LN2, 12);
  expect(logAddExp(0, Number.NEGATIVE_INFINITY)).toBe(0);
  expect(logAddExp(0, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(logSumExp(Float64Array.of(-1e4, -1e4, -1e4, 5), 3)).toBeCloseTo(-1e4 + Math.log(3), 9);
  expect(logSumExp(new Float64Array(2).fill(Number.NEGATIVE_INFINITY))).toBe(Number.NEGATIVE_INFINITY);
  expect(logExpm1(1e-12)).toBeCloseTo(Math.log(1e-12), 11);
  expect(logExpm1(800)).toBe(800);
});

it("logarithms of factorials", () => {
  expect([...logFactorials(5)].map((log) => Math.round(Math.exp(log)))).toEqual([1, 1, 2, 6, 24, 120]);
});
