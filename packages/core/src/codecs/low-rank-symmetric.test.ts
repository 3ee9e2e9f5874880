import { product, symmetricEigen, transposed } from "@anabranch/engine";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { lowRankSymmetric } from "./low-rank-symmetric.ts";

/** A Gram matrix [m, m] of this rank at most. */
function gram(m: number, rank: number, seed = 1): Float64Array {
  const stream = randomStream(deriveKey(rootKey(seed), "numbers"));
  const a = Float64Array.from({ length: m * rank }, () => stream.float() - 0.5);
  return product(a, transposed(a, m, rank), m, rank, m);
}

const trace = (a: ArrayLike<number>, m: number) =>
  Array.from({ length: m }, (_, i) => a[i * (m + 1)]!).reduce((sum, x) => sum + x, 0);

function roundTrip(share: number, matrix: Float64Array, m: number) {
  const codec = lowRankSymmetric(share);
  const encoded = Float64Array.from(codec.encode(matrix, m, m));
  expect(encoded.length).toBe(codec.length(encoded[0], m, m));
  return { encoded, decoded: Float64Array.from(codec.decode(encoded, m, m)) };
}

describe("low-rank-symmetric", () => {
  it("keeps the leading eigenvalues and the mean of the others", () => {
    const matrix = new Float64Array(100);
    for (const [i, value] of [1, 9, 2, 7, 3, 0, 0, 0, 0, 0].entries()) matrix[11 * i] = value;
    const { encoded, decoded } = roundTrip(0.2, matrix, 10);
    expect(encoded.length).toBe(2 * 11 + 1);
    expect([encoded[0], encoded[1], encoded.at(-1)]).toEqual([9, 7, 0.75]);
    const expected = Float64Array.from({ length: 100 }, (_, i) =>
      i % 11 !== 0 ? 0 : i === 11 ? 9 : i === 33 ? 7 : 0.75,
    );
    for (let i = 0; i < 100; i++) expect(decoded[i]).toBeCloseTo(expected[i]!, 14);
  });

  it("keeps symmetry to the bit, eigenvalues at 0 or more, and the trace", () => {
    const setting = fc.tuple(fc.integer({ min: 6, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.nat());
    fc.assert(
      fc.property(setting, fc.double({ min: 0.05, max: 0.7, noNaN: true }), ([m, rank, seed], share) => {
        const matrix = gram(m, rank, seed);
        const { decoded } = roundTrip(share, matrix, m);
        expect(decoded).toEqual(transposed(decoded, m, m));
        expect(trace(decoded, m)).toBeCloseTo(trace(matrix, m), 12);
        expect(symmetricEigen(decoded, m).values.at(-1)!).toBeGreaterThan(-1e-14 * trace(matrix, m));
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it("keeps both in float32, too", () => {
    const matrix = gram(16, 4);
    const codec = lowRankSymmetric(0.3);
    const sent = Float64Array.from(Float32Array.from(codec.encode(matrix, 16, 16)));
    const decoded = Float64Array.from(codec.decode(sent, 16, 16));
    expect(Math.abs(trace(decoded, 16) / trace(matrix, 16) - 1)).toBeLessThan(1e-6);
    expect(symmetricEigen(decoded, 16).values.at(-1)!).toBeGreaterThan(-1e-9);
    // rank 4 of the 5 eigenpairs kept: all of it
    expect(decoded.reduce((worst, x, i) => Math.max(worst, Math.abs(x - matrix[i]!)), 0)).toBeLessThan(1e-6);
  });

  it("takes q (m + 1) + 1 floats, or leaves a matrix as it is", () => {
    expect(lowRankSymmetric(0.1).length(undefined, 192, 192)).toBe(20 * 193 + 1);
    expect(lowRankSymmetric(0.1).takes(192, 192)).toBe(true);
    expect(lowRankSymmetric(0.1).takes(192, 193)).toBe(false);
    expect(lowRankSymmetric(1).takes(8, 8)).toBe(false);
    expect(lowRankSymmetric(0.1).takes(2, 2)).toBe(false); // 4 floats for 4
  });

  it("refuses a matrix that is not symmetric", () => {
    const matrix = gram(6, 6);
    matrix[1]! *= 1.1;
    expect(() => lowRankSymmetric(0.2).encode(matrix, 6, 6)).toThrow(/not symmetric/);
  });
});
