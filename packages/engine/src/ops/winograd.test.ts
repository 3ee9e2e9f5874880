import { describe, expect, it } from "vitest";
import { axisTransforms, type Matrix, winograd } from "./winograd.ts";

const multiply = (rows: readonly (readonly number[])[], v: readonly number[]) =>
  rows.map((row) => row.reduce((total, a, j) => total + a * v[j]!, 0));
const apply = (a: Matrix, v: readonly number[]) =>
  multiply(
    Array.from({ length: a.rows }, (_, i) => Array.from(a.data.subarray(i * a.columns, (i + 1) * a.columns))),
    v,
  );
const values = (length: number) => Array.from({ length }, (_, i) => Math.sin(i * 1.7) + 0.3);

describe.each([3, 5])("F(4, %i)", (taps) => {
  const w = winograd(taps);
  const weights = values(taps);

  it("computes a correlation with m + r - 1 products", () => {
    const data = values(w.n);
    const transformed = multiply(w.inputs, data);
    const products = multiply(w.weights, weights).map((g, i) => g * transformed[i]!);
    const expected = Array.from({ length: w.m }, (_, i) => weights.reduce((sum, g, j) => sum + g * data[i + j]!, 0));
    multiply(w.outputs, products).forEach((y, i) => {
      expect(y).toBeCloseTo(expected[i]!, 11);
    });
  });

  it.each([
    { extent: 12, pad: 0 },
    { extent: 13, pad: 1 },
    { extent: 14, pad: 2 },
  ])("transforms all tiles of an axis, $extent pixels, padding $pad", ({ extent, pad }) => {
    const positions = extent + 2 * pad - taps + 1;
    const { tiles, inputs, outputs } = axisTransforms(w, extent, positions, pad);
    const data = values(extent);
    const transformed = apply(inputs, data);
    const products = multiply(w.weights, weights).flatMap((g, k) =>
      Array.from({ length: tiles }, (_, tile) => g * transformed[k * tiles + tile]!),
    );
    const actual = apply(outputs, products);
    expect(actual).toHaveLength(positions);
    actual.forEach((y, i) => {
      expect(y).toBeCloseTo(
        weights.reduce((sum, g, j) => sum + g * (data[i + j - pad] ?? 0), 0),
        11,
      );
    });
  });
});
