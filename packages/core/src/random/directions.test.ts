import { describe, expect, it } from "vitest";
import { addDirection, countOnes, type DirectionFamily, fillDirection, signWords } from "./directions.ts";
import { deriveKey, rootKey } from "./key.ts";

const n = 200_000;
const families: [DirectionFamily, variance: number, kurtosis: number][] = [
  ["rademacher", 1, 1],
  ["binomial", 1, 3 - 1 / 32],
  ["uniform", 1 / 3, 1.8],
];

describe.each(families)("directions of the family %s", (family, variance, kurtosis) => {
  const key = deriveKey(rootKey(5), family);
  const z = fillDirection(new Float64Array(n), family, key);

  it("have the moments that they are said to have", () => {
    const moment = (power: number) => z.reduce((sum, value) => sum + value ** power, 0) / n;
    const sd = Math.sqrt(variance / n);
    expect(Math.abs(moment(1))).toBeLessThan(4 * sd);
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(moment(2) / variance).toBeCloseTo(1, 1.8);
    expect(moment(4) / moment(2) ** 2).toBeCloseTo(kurtosis, 1);
  });

  it("have coordinates that do not go together", () => {
    for (const lag of [1, 2, 31, 32, 64]) {
      let product = 0;
      for (let i = lag; i < n; i++) product += z[i]! * z[i - lag]!;
      expect(Math.abs(product / n / variance)).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  it("are exact in float32 and begin alike whatever their length", () => {
    for (const length of [1, 31, 32, 33, 4096, 8193]) {
      const short = fillDirection(new Float32Array(length), family, key);
      expect(Array.from(short)).toEqual(Array.from(z.subarray(0, length)));
    }
  });

  it("are added as they are", () => {
    for (const length of [1, 31, 32, 65]) {
      const sum = Float64Array.from({ length }, (_, i) => i / 7);
      const expected = sum.map((value, i) => value + 0.3 * z[i]!);
      addDirection(sum, 0.3, family, key);
      expect(sum).toEqual(expected);
    }
  });
});

describe("packed directions", () => {
  const key = rootKey(9);

  it("are the same as directions", () => {
    const signs = fillDirection(new Float64Array(70), "rademacher", key);
    expect(Array.from(signs, (_, i) => ((signWords(key, 70)[i >>> 5]! >>> (i & 31)) & 1) * 2 - 1)).toEqual(
      Array.from(signs),
    );
    const ones = countOnes(key, 70);
    expect(Array.from(ones, (count) => (count - 32) / 4)).toEqual(
      Array.from(fillDirection(new Float64Array(70), "binomial", key)),
    );
  });

  // derived from the definition of Threefry-2x32 by other code
  it("are these bits on every machine", () => {
    expect(Array.from(signWords(rootKey(1), 64))).toEqual([701_774_637, 3_734_405_967]);
    expect(Array.from(countOnes(rootKey(1), 6))).toEqual([34, 32, 36, 30, 35, 38]);
    expect(Array.from(fillDirection(new Float64Array(3), "uniform", rootKey(1)), (v) => v * 65_536)).toEqual([
      -35_237, -44_119, 1695,
    ]);
  });
});
