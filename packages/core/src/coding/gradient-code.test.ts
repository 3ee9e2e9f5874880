import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "../random/index.ts";
import {
  cyclicCode,
  decodeGradient,
  decodingFactors,
  encodeGradients,
  fractionalCode,
  type GradientCode,
  seedMatrix,
} from "./gradient-code.ts";

const cyclic = (n: number, s: number, seed = 1) => cyclicCode(n, s, seedMatrix(n, s, deriveKey(rootKey(seed), "code")));

/** All subsets of n workers with n - s members. */
function subsets(n: number, size: number): number[][] {
  if (size === 0) return [[]];
  if (n < size) return [];
  return [...subsets(n - 1, size), ...subsets(n - 1, size - 1).map((rest) => [...rest, n - 1])];
}

function worstError(code: GradientCode): number {
  const gradients = Array.from({ length: code.workers }, (_, i) => [Math.sin(i + 1), i * i - 3]);
  const messages = encodeGradients(code, gradients);
  const sums = [0, 1].map((j) => gradients.reduce((total, gradient) => total + gradient[j]!, 0));
  const errors = subsets(code.workers, code.workers - code.stragglers).flatMap((arrived) => {
    const decoded = decodeGradient(
      code,
      arrived,
      arrived.map((i) => messages[i]!),
    );
    return sums.map((sum, j) => Math.abs(decoded[j]! - sum));
  });
  return Math.max(...errors);
}

describe("gradient codes", () => {
  it("decode the exact sum from any n - s workers", () => {
    expect(worstError(cyclic(8, 3))).toBeLessThan(1e-9);
    expect(worstError(fractionalCode(8, 3))).toBeLessThan(1e-12);
  });

  it("are the identity where nobody may be late", () => {
    const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    expect(Array.from(cyclic(3, 0).code)).toEqual(identity);
    expect(Array.from(fractionalCode(3, 0).code)).toEqual(identity);
  });

  it("put each part at s + 1 workers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(8), fc.nat(), (n, few, seed) => {
        const s = Math.min(few, n - 1);
        const { code } = cyclic(n, s, seed);
        for (let j = 0; j < n; j++) {
          const holders = Array.from({ length: n }, (_, i) => code[i * n + j]!).filter((entry) => entry !== 0);
          expect(holders).toHaveLength(s + 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("refuse to decode from too few, and sizes that do not fit", () => {
    expect(() => decodingFactors(cyclic(8, 3), [0, 1, 2, 3])).toThrow(/any 5 of them/);
    expect(() => fractionalCode(6, 3)).toThrow(/s = 2 or 5/);
    expect(() => cyclicCode(4, 1, [])).toThrow(/1 rows of 4 numbers/);
    expect(() => cyclicCode(4, 4, [])).toThrow(/from 0 to workers - 1 = 3/);
    expect(() => decodingFactors(cyclic(4, 1), [0, 1, 9])).toThrow(/0 to 3/);
  });
});
