import { describe, expect, it } from "vitest";
import { smoothed } from "./laplacian-smoothing.ts";

/** By the transform: the k-th coefficient over 1 + 2 s (1 - cos(2 pi k / n)), with a plain sum for each. */
function byFourier(d: readonly number[], s: number): number[] {
  const n = d.length;
  const angle = (k: number, i: number) => (2 * Math.PI * k * i) / n;
  return d.map((_, i) => {
    let y = 0;
    for (let k = 0; k < n; k++) {
      const real = d.reduce((sum, x, j) => sum + x * Math.cos(angle(k, j)), 0);
      const imaginary = d.reduce((sum, x, j) => sum - x * Math.sin(angle(k, j)), 0);
      const divisor = n * (1 + 2 * s * (1 - Math.cos(angle(k, 1))));
      y += (real * Math.cos(angle(k, i)) - imaginary * Math.sin(angle(k, i))) / divisor;
    }
    return y;
  });
}

describe("Laplacian smoothing", () => {
  it.each([0.01, 1, 30])("is the division in the Fourier domain at strength %d", (s) => {
    for (const d of [[3], [1, -2], [0.5, 2, -1], [1, 0, 0, 0, 0, 0, 0], [3, 1, -4, 1, 5, -9, 2, 6]]) {
      const expected = byFourier(d, s);
      smoothed(Float64Array.from(d), s).forEach((y, i) => {
        expect(Math.abs(y - expected[i]!)).toBeLessThan(1e-12);
      });
    }
  });

  it("keeps the mean and solves (I - s Lap) y = d", () => {
    const [s, n] = [2.5, 1000];
    const d = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i));
    const y = smoothed(d, s);
    const sum = (v: Float64Array) => v.reduce((a, b) => a + b, 0);
    expect(sum(y)).toBeCloseTo(sum(d), 10);
    for (let i = 0; i < n; i++) {
      const laplacian = y[(i + 1) % n]! + y[(i + n - 1) % n]! - 2 * y[i]!;
      expect(Math.abs(y[i]! - s * laplacian - d[i]!)).toBeLessThan(1e-12);
    }
  });
});
