import { describe, expect, it } from "vitest";
import { product, transposed } from "./product.ts";
import { qr } from "./qr.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** Numbers in (-1, 1) from a fixed generator. */
function numbers(count: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function gram(n: number, rank: number, seed = 1): Float64Array {
  const a = numbers(n * rank, seed);
  return product(a, transposed(a, n, rank), n, rank, n);
}

const identity = (n: number) => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
const diagonal = (values: ArrayLike<number>) =>
  Float64Array.from({ length: values.length ** 2 }, (_, i) =>
    i % (values.length + 1) === 0 ? values[i / (values.length + 1)]! : 0,
  );

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= found)) found = difference;
  }
  return found;
}

describe("product", () => {
  it("multiplies rectangular matrices with extents that four does not divide", () => {
    const [a, b] = [numbers(3 * 6), numbers(6 * 5, 2)];
    const plain = Array.from({ length: 15 }, (_, i) => {
      let sum = 0;
      for (let p = 0; p < 6; p++) sum += a[Math.floor(i / 5) * 6 + p]! * b[p * 5 + (i % 5)]!;
      return sum;
    });
    expect(largestDifference(product(a, b, 3, 6, 5), plain)).toBeLessThan(1e-15);
  });
});

describe("symmetricEigen", () => {
  it("finds what is known in closed form", () => {
    // [[2, 1], [1, 2]]: 3 along (1, 1), 1 along (1, -1)
    const { values, vectors } = symmetricEigen([2, 1, 1, 2], 2);
    const h = Math.SQRT1_2;
    expect(largestDifference(values, [3, 1])).toBeLessThan(1e-15);
    expect(largestDifference(vectors.map(Math.abs), [h, h, h, h])).toBeLessThan(1e-15);
    expect(vectors[1]! * vectors[3]!).toBeLessThan(0);
    // second differences: 2 - 2 cos(k pi / (n + 1))
    const n = 9;
    const chain = Float64Array.from({ length: n * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      return row === column ? 2 : Math.abs(row - column) === 1 ? -1 : 0;
    });
    const expected = Array.from({ length: n }, (_, k) => 2 - 2 * Math.cos(((n - k) * Math.PI) / (n + 1)));
    expect(largestDifference(symmetricEigen(chain, n).values, expected)).toBeLessThan(1e-14);
    expect(symmetricEigen([-7], 1)).toEqual({ values: Float64Array.of(-7), vectors: Float64Array.of(1) });
    expect(symmetricEigen([], 0).values).toEqual(new Float64Array(0));
  });

  it.each([
    ["full rank", 40, gram(40, 40)],
    ["rank 3 of 40", 40, gram(40, 3)],
    ["indefinite", 17, ((a) => a.map((v, i) => v + transposed(a, 17, 17)[i]!))(numbers(17 * 17))],
    ["zero", 6, new Float64Array(36)],
    ["identity", 8, identity(8)],
    ["equal pairs", 6, diagonal([1, 5, 1, 5, -2, -2])],
    ["far apart", 5, diagonal([1e-12, 1e12, 1, 1e-300, 1e6])],
    ["huge", 12, gram(12, 12).map((v) => v * 1e200)],
    ["tiny", 12, gram(12, 12).map((v) => v * 1e-200)],
  ])("is orthonormal, rebuilds the matrix and sorts: %s", (_name, n, matrix) => {
    const { values, vectors } = symmetricEigen(matrix, n);
    const scale = Math.max(...matrix.map(Math.abs)) || 1;
    const transpose = transposed(vectors, n, n);
    expect(largestDifference(product(transpose, vectors, n, n, n), identity(n))).toBeLessThan(1e-13);
    const rebuilt = product(product(vectors, diagonal(values), n, n, n), transpose, n, n, n);
    expect(largestDifference(rebuilt, matrix)).toBeLessThan(1e-13 * n * scale);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
    for (let j = 0; j < n; j++) {
      const column = Array.from({ length: n }, (_, i) => vectors[i * n + j]!);
      expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
    }
  });

  it("reads the lower triangle alone and leaves its input as it is", () => {
    const full = gram(10, 10);
    const lower = full.map((v, i) => (i % 10 > Math.floor(i / 10) ? Number.NaN : v));
    const before = lower.slice();
    expect(symmetricEigen(lower, 10)).toEqual(symmetricEigen(full, 10));
    expect(lower).toEqual(before);
  });

  it("answers NaN with NaN", () => {
    expect(symmetricEigen([1, 0, Number.POSITIVE_INFINITY, 1], 2).vectors.every(Number.isNaN)).toBe(true);
    expect(symmetricEigen([1, 0, Number.NaN, 1], 2).values.every(Number.isNaN)).toBe(true);
  });
});

describe("qr", () => {
  it("finds what is known in closed form", () => {
    // columns (3, 4) and (0, 5): q1 = (0.6, 0.8), r12 = 4, the rest (-2.4, 1.8) has length 3
    const { q, r } = qr([3, 0, 4, 5], 2, 2);
    expect(largestDifference(r, [5, 4, 0, 3])).toBeLessThan(1e-14);
    expect(largestDifference(q, [0.6, -0.8, 0.8, 0.6])).toBeLessThan(1e-15);
    expect(largestDifference(qr(identity(5), 5, 5).q, identity(5))).toBe(0);
    expect(largestDifference(qr(diagonal([-1, 2, -3]), 3, 3).r, diagonal([1, 2, 3]))).toBe(0);
  });

  it.each([
    ["square", 30, 30, numbers(900)],
    ["tall", 12, 5, numbers(60)],
    ["rank 2 of 8", 8, 8, gram(8, 2)],
    ["zero", 4, 4, new Float64Array(16)],
    ["a zero column", 3, 3, Float64Array.of(1, 0, 2, 3, 0, 4, 5, 0, 7)],
    ["one row", 1, 1, Float64Array.of(-3)],
  ])("is orthonormal, triangular and rebuilds the matrix: %s", (_name, m, n, matrix) => {
    const { q, r } = qr(matrix, m, n);
    expect(largestDifference(product(transposed(q, m, n), q, n, m, n), identity(n))).toBeLessThan(1e-14);
    expect(largestDifference(product(q, r, m, n, n), matrix)).toBeLessThan(1e-13);
    for (let i = 0; i < n; i++) {
      expect(r[i * n + i]).toBeGreaterThanOrEqual(0);
      for (let j = 0; j < i; j++) expect(Math.abs(r[i * n + j]!)).toBe(0);
    }
  });

  it("answers NaN with NaN", () => {
    expect(qr([1, 2, Number.NaN, 4], 2, 2).q.some(Number.isNaN)).toBe(true);
  });
});
