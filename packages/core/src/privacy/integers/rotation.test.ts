import { describe, expect, it } from "vitest";
import { norm2 } from "../../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../../random/index.ts";
import { paddedSize, rotate, rotateBack } from "./rotation.ts";

const key = rootKey(51);

function normals(size: number): Float64Array {
  const stream = randomStream(deriveKey(key, "vector", size));
  return Float64Array.from({ length: size }, () => stream.normal());
}

function bitsOf(n: number): number {
  return n.toString(2).replaceAll("0", "").length;
}

describe("the rotation", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [4, 4],
    [5, 8],
    [1_000_000, 2 ** 20],
    [2 ** 20 + 1, 2 ** 21],
  ])("of %i values has %i", (size, padded) => {
    expect(paddedSize(size)).toBe(padded);
  });

  it.each([8, 4096, 8192])("of a spike in %i is a row of the Walsh-Hadamard matrix, up to its sign", (size) => {
    for (const at of [0, 1, 5, size / 2 + 3, size - 1]) {
      const spike = new Float64Array(size);
      spike[at] = 1;
      const rotated = rotate(spike, key);
      const first = rotated[0]!;
      expect(Math.abs(first)).toBeCloseTo(1 / Math.sqrt(size), 15);
      const expected = rotated.map((_, k) => (bitsOf(at & k) % 2 === 0 ? first : -first));
      expect(rotated).toEqual(expected);
    }
  });

  it.each([1, 2, 3, 100, 1000, 5000])("of %i values keeps norms, and is undone", (size) => {
    const vector = normals(size);
    const before = vector.slice();
    const rotated = rotate(vector, key);
    expect(vector).toEqual(before);
    expect(norm2(rotated) / norm2(vector)).toBeCloseTo(1, 13);
    rotateBack(rotated, key);
    for (let i = 0; i < rotated.length; i++) {
      if (Math.abs(rotated[i]! - (vector[i] ?? 0)) > 1e-13) expect.fail(`entry ${i} differs`);
    }
  });

  it("of a vector in 32 bits is that of its values, and sums rotate as their parts do", () => {
    const [a, b] = [Float32Array.from(normals(700)), Float32Array.from(normals(701).subarray(1))];
    const parts = [rotate(a, key), rotate(b, key)] as const;
    const sum = rotate(
      Float64Array.from(a, (value, i) => value + b[i]!),
      key,
    );
    sum.forEach((value, i) => {
      expect(Math.abs(value - parts[0][i]! - parts[1][i]!)).toBeLessThan(1e-13);
    });
  });

  it("has signs that depend on the key and spread even what one sign for all would gather in one place", () => {
    const ones = new Float64Array(4096).fill(1);
    const [a, b] = [rotate(ones, rootKey(1)), rotate(ones, rootKey(2))];
    expect(a).not.toEqual(b);
    // Without signs all of the norm, 64, would be in one coordinate. Each is a sum of 4,096 coins over 64: beyond 7 with
    // probability 3e-12.
    for (const rotated of [a, b]) expect(Math.max(...rotated.map(Math.abs))).toBeLessThan(7);
  });
});
