import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copy, distance, hashVector, isFiniteVector, norm2, type Vector, zerosLike } from "./vector.ts";

const kinds: [string, (values: Iterable<number>) => Vector][] = [
  ["float32", (values) => Float32Array.from(values)],
  ["float64", (values) => Float64Array.from(values)],
];

describe.each(kinds)("vectors of %s", (_, make) => {
  it("keep their element type", () => {
    const x = make([1, 2, 3]);
    for (const result of [zerosLike(x), copy(x)]) {
      expect(result.constructor).toBe(x.constructor);
      expect(result.buffer).not.toBe(x.buffer);
    }
  });

  it("refuse different lengths", () => {
    expect(() => distance(make([1]), make([1, 2]))).toThrow(expect.objectContaining({ code: "params/length" }));
    expect(() => distance(make([1]), make([1, 2]))).toThrow(/received 2 elements; expected 1 elements/);
  });

  it("find the only element that is not finite, wherever it stands", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let at = 0; at < 11; at++) {
        const x = make(Array.from({ length: 11 }, (_, i) => (i === at ? bad : i - 5)));
        expect(isFiniteVector(x)).toBe(false);
      }
    }
    const largest = make([3e38, -3e38, 3e38, 3e38, -0]);
    expect(isFiniteVector(largest)).toBe(true);
    expect(isFiniteVector(make([]))).toBe(true);
  });

  it("hash their bits", () => {
    expect(hashVector(make([1, 2, 3]))).toBe(hashVector(make([9, 1, 2, 3]).subarray(1)));
    expect(hashVector(make([0]))).not.toBe(hashVector(make([-0])));
    expect(hashVector(make([1, 2]))).not.toBe(hashVector(make([2, 1])));
  });
});

describe("distance", () => {
  it("is the norm of the difference, over block borders too, and refuses other lengths", () => {
    expect(distance(new Float32Array(4096).fill(3), new Float32Array(4096).fill(1))).toBe(128);
    expect(distance(Float64Array.of(1, 5), Float64Array.of(4, 1))).toBe(5);
    expect(() => distance(new Float32Array(2), new Float32Array(3))).toThrow(
      expect.objectContaining({ code: "params/length" }),
    );
  });
});

describe("norm2", () => {
  it("is exact on Pythagorean vectors of any block count", () => {
    // n elements of value 2 have the norm 2 sqrt(n): n = 64^2 is four whole blocks, 65^2 leaves a rest of one.
    expect(norm2(new Float32Array(4096).fill(2))).toBe(128);
    expect(norm2(new Float32Array(4225).fill(2))).toBe(130);
    expect(norm2(new Float32Array(0))).toBe(0);
  });

  it("does not overflow or lose float32 elements: squares are float64", () => {
    expect(norm2(Float32Array.of(3e30, 4e30))).toBeCloseTo(5e30, -25);
  });

  it("agrees with an exact sum of squares of integers", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 3000 }), (values) => {
        const exact = values.reduce((sum, value) => sum + BigInt(value * value), 0n);
        expect(norm2(Float64Array.from(values))).toBe(Math.sqrt(Number(exact)));
      }),
      { numRuns: 50 },
    );
  });
});

describe("copy", () => {
  it("leaves shared memory", () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    expect(copy(shared).buffer).toBeInstanceOf(ArrayBuffer);
  });
});
