import { expect } from "vitest";

/** Compares a value with what an example in a doc comment shows: numbers to 4 digits, typed arrays as lists. */
export function same(value: unknown, shown: unknown): void {
  expect(near(value, shown)).toEqual(shown);
}

/** The value as plain data, in which numbers that are near those shown are replaced by them. */
function near(value: unknown, shown: unknown): unknown {
  if (typeof value === "number" && typeof shown === "number") {
    return Math.abs(value - shown) <= 1e-4 * Math.max(1, Math.abs(shown)) ? shown : value;
  }
  const list = Array.isArray(shown) ? shown : [];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, (one, at) => near(one, list[at]));
  if (Array.isArray(value)) return value.map((one, at) => near(one, list[at]));
  if (value instanceof Map && shown instanceof Map)
    return new Map([...value].map(([key, one]) => [key, near(one, shown.get(key))]));
  if (typeof value !== "object" || value === null || typeof shown !== "object" || shown === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, near(one, (shown as Shown)[key])]));
}

type Shown = Readonly<Record<string, unknown>>;
