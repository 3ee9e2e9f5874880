import { expect, it } from "vitest";
import { boundText } from "./bound-text.ts";

it.each([
  [0, "0"],
  [1e-11, "1e-11"],
  [3.00001e-9, "3.001e-9"],
  [0.97001, "0.9701"],
  [0.99994, "1"],
  [8, "8"],
  [8.00004, "8.001"],
  [7.950000000000001, "7.95"],
  [123456, "123500"],
  [Number.MIN_VALUE, "5e-324"],
  [Number.POSITIVE_INFINITY, "none"],
  [Number.NaN, "none"],
])("%d is shown as %s", (value, text) => {
  expect(boundText(value)).toBe(text);
});

it("is never below the value, and above it by less than one unit of the last digit", () => {
  for (let i = 0; i < 20_000; i++) {
    const value = 10 ** (((i * 0.6180339887) % 1) * 60 - 50);
    const shown = Number(boundText(value));
    expect(shown).toBeGreaterThanOrEqual(value * (1 - 1e-12));
    expect(shown).toBeLessThanOrEqual(value * (1 + 1.001e-3));
  }
});
