import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { rankOfEnergy, truncatedSvdByEnergy, truncatedSvdByShare } from "./truncated-svd.ts";

function random(length: number): Float64Array {
  const stream = randomStream(deriveKey(rootKey(5), "numbers"));
  return Float64Array.from({ length }, () => stream.float() - 0.5);
}

/** A diagonal matrix [m, n]. */
const diagonal = (values: readonly number[], m: number, n: number) =>
  Float64Array.from({ length: m * n }, (_, i) => (Math.floor(i / n) === i % n ? (values[i % n] ?? 0) : 0));

const error = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(Array.from(a).reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));

describe("rank by share", () => {
  it.each([
    [64, 576, 0.05, 2],
    [64, 576, 0.1, 5],
    [512, 4608, 0.05, 23],
    [512, 4608, 0.1, 46],
    [192, 768, 0.05, 7],
    [192, 768, 0.1, 15],
    [576, 192, 0.05, 7],
    [576, 192, 0.1, 14],
    [64, 27, 0.05, 1], // the guard: floor(0.94)
  ])("of [%i, %i] at %f is %i: q (m + n + 1) floats", (m, n, share, q) => {
    expect(truncatedSvdByShare(share).length(undefined, m, n)).toBe(q * (m + n + 1));
    expect(truncatedSvdByShare(share).largest(m, n)).toBe(q * (m + n + 1));
  });

  it("leaves matrices as they are that one triple would not shorten", () => {
    expect(truncatedSvdByShare(1).takes(2, 2)).toBe(false); // 5 floats for 4
    expect(truncatedSvdByShare(0.5).takes(40, 1)).toBe(false);
    expect(truncatedSvdByShare(0.01).takes(3, 4)).toBe(true); // 8 floats for 12
  });

  it("writes what it says and drops the small singular values alone", () => {
    const codec = truncatedSvdByShare(0.5);
    const matrix = diagonal([5, 4, 3, 2, 1, 0.5], 6, 10);
    // q = floor(0.5 * 60 / 17) = 1
    const encoded = Float64Array.from(codec.encode(matrix, 6, 10));
    expect(encoded.length).toBe(17);
    expect(error(codec.decode(encoded, 6, 10), matrix)).toBeCloseTo(Math.sqrt(16 + 9 + 4 + 1 + 0.25), 12);
  });
});

describe("rank by energy", () => {
  it("is the smallest that keeps its share of the squares", () => {
    // 16 + 4 + 4 + 1 = 25: 0.64, 0.8, 0.96, 1
    const squares = Float64Array.of(16, 4, 4, 1, 0);
    const ranks = [0.1, 0.64, 0.65, 0.8, 0.9, 0.97, 1].map((energy) => rankOfEnergy(squares, energy));
    expect(ranks).toEqual([1, 1, 2, 2, 3, 4, 4]);
    expect(rankOfEnergy(new Float64Array(3), 0.9)).toBe(1);
  });

  it("makes a matrix as long as it needs, the rank first", () => {
    const codec = truncatedSvdByEnergy(0.9);
    const lengths = [
      [10, 1, 0, 0, 0, 0],
      [10, 10, 1, 0, 0, 0],
      [10, 10, 10, 0, 0, 0],
    ].map((values) => {
      const matrix = diagonal(values, 6, 10);
      const encoded = Float64Array.from(codec.encode(matrix, 6, 10));
      expect(codec.length(encoded[0], 6, 10)).toBe(encoded.length);
      expect(error(codec.decode(encoded, 6, 10), matrix)).toBeLessThanOrEqual(Math.sqrt(0.1) * Math.hypot(...values));
      return [encoded[0], encoded.length];
    });
    expect(lengths).toEqual([
      [1, 18],
      [2, 35],
      [3, 52],
    ]);
  });

  it("sends the matrix itself where its factors would be no smaller, to the bit", () => {
    const codec = truncatedSvdByEnergy(1);
    const matrix = random(60);
    const encoded = Float64Array.from(codec.encode(matrix, 6, 10));
    expect(encoded[0]).toBe(0);
    expect(encoded.length).toBe(61);
    expect(codec.decode(encoded, 6, 10)).toEqual(matrix);
  });
});
