import { describe, expect, it } from "vitest";
import { product, transposed } from "./product.ts";
import { qr } from "./qr.ts";
import { fromSvd, truncatedSvd } from "./truncated-svd.ts";

function numbers(count: number, seed = 1): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A matrix [m, n] of known singular values. */
function withSingularValues(values: readonly number[], m: number, n: number): Float64Array {
  const q = values.length;
  const left = qr(numbers(m * q), m, q).q.map((x, i) => x * values[i % q]!);
  return product(left, transposed(qr(numbers(n * q, 2), n, q).q, n, q), m, q, n);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= found)) found = difference;
  }
  return found;
}

const frobenius = (a: Float64Array, b: Float64Array) => Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));

const shapes = [
  [7, 12],
  [12, 7],
  [9, 9],
] as const;
const spectrum = [8, 4, 2, 1, 0.5, 0.25, 0.125];

describe("truncatedSvd", () => {
  it("finds what is known in closed form", () => {
    // [[3, 0], [4, 5]]: A A^T = [[9, 12], [12, 41]] has eigenvalues 45 along (1, 3) and 5 along (3, -1)
    const { values, left, right } = truncatedSvd([3, 0, 4, 5], 2, 2, 2);
    expect(largestDifference(values, [Math.sqrt(45), Math.sqrt(5)])).toBeLessThan(1e-14);
    const [a, b] = [Math.SQRT1_2, 1 / Math.sqrt(10)];
    expect(largestDifference(left, [b, 3 * b, 3 * b, -b])).toBeLessThan(1e-14);
    expect(largestDifference(right, [a, a, a, -a])).toBeLessThan(1e-14);
  });

  it.each(shapes)("rebuilds a matrix [%i, %i] of full rank, with orthonormal vectors", (m, n) => {
    const matrix = numbers(m * n, 3);
    const svd = truncatedSvd(matrix, m, n, Math.min(m, n));
    expect(largestDifference(fromSvd(svd, m, n), matrix)).toBeLessThan(1e-13);
    for (const [vectors, length] of [
      [svd.left, m],
      [svd.right, n],
    ] as const) {
      const gram = product(vectors, transposed(vectors, svd.rank, length), svd.rank, length, svd.rank);
      const identity = gram.map((_, i) => (i % (svd.rank + 1) === 0 ? 1 : 0));
      expect(largestDifference(gram, identity)).toBeLessThan(1e-10);
    }
  });

  it.each(shapes)("of [%i, %i] drops the root of the sum of squares beyond the rank", (m, n) => {
    const matrix = withSingularValues(spectrum, m, n);
    for (let q = 1; q < spectrum.length; q++) {
      const svd = truncatedSvd(matrix, m, n, q);
      expect(largestDifference(svd.values, spectrum.slice(0, q))).toBeLessThan(1e-12);
      const dropped = Math.sqrt(spectrum.slice(q).reduce((sum, s) => sum + s * s, 0));
      expect(Math.abs(frobenius(fromSvd(svd, m, n), matrix) - dropped)).toBeLessThan(1e-12);
    }
  });

  it("lets the squared values choose the rank", () => {
    const squares: number[] = [];
    const svd = truncatedSvd(withSingularValues(spectrum, 7, 12), 7, 12, (given) => {
      squares.push(...given);
      return 3;
    });
    expect(svd.rank).toBe(3);
    const ratios = squares.map((square) => square / squares[0]!);
    expect(
      largestDifference(
        ratios,
        spectrum.map((s) => (s / 8) ** 2),
      ),
    ).toBeLessThan(1e-14);
  });

  it.each([
    ["zeros", new Float64Array(6)],
    ["one entry", Float64Array.of(0, 0, 0, -2, 0, 0)],
    ["huge", numbers(6).map((x) => x * 1e250)],
    ["tiny", numbers(6).map((x) => x * 1e-250)],
  ])("rebuilds %s", (_name, matrix) => {
    const scale = Math.max(...matrix.map(Math.abs)) || 1;
    const rebuilt = fromSvd(truncatedSvd(matrix, 2, 3, 2), 2, 3);
    expect(largestDifference(rebuilt, matrix)).toBeLessThan(1e-14 * scale);
  });

  it("takes no more than the smaller side, and answers NaN with NaN", () => {
    expect(truncatedSvd(numbers(6), 3, 2, 5).rank).toBe(2);
    expect(truncatedSvd([1, Number.NaN, 0, 1], 2, 2, 1).values.every(Number.isNaN)).toBe(true);
  });
});
