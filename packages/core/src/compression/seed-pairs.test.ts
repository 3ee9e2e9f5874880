import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../random/index.ts";
import type { Compressor } from "./compressor.ts";
import { nonZeros } from "./non-zeros.ts";
import { fromByte, oneByte, toByte } from "./one-byte.ts";
import { parseLink } from "./parse-link.ts";
import { seedPairs } from "./seed-pairs.ts";

const context = { floatBytes: 4, stream: randomStream(rootKey(1)) } as const;

function decoded(compressor: Compressor, bytes: Uint8Array, n: number): Float64Array {
  const out = new Float64Array(n);
  compressor.decode(bytes, out, context);
  return out;
}

describe("pairs of a seed and a value", () => {
  const pairs = Float64Array.of(0, 4095, 7, 0.5, -1.25, 1e-20);
  pairs[5] = Math.fround(1e-20);

  it("come back, in 6 bytes each", () => {
    const bytes = seedPairs(4096).encode(pairs, context);
    expect(bytes.length).toBe(18);
    expect(seedPairs(4096).largest(6, 4)).toBe(18);
    expect(decoded(seedPairs(4096), bytes, 6)).toEqual(pairs);
    expect(seedPairs(100_000).encode(pairs, context).length).toBe(24);
  });

  it("of a seed that is not in the pool, or of another length, are refused", () => {
    const bytes = seedPairs(4096).encode(pairs, context);
    expect(() => decoded(seedPairs(4095), bytes, 6)).toThrow(/seed 4095/);
    expect(() => decoded(seedPairs(4096), bytes.subarray(1), 6)).toThrow(/17 bytes, 3 pairs need 18/);
  });

  it("cannot be named in a configuration", () => {
    expect(() => parseLink("seed-pairs pool=4")).toThrow(/methods whose clients send seeds/);
  });
});

describe("entries that are not 0", () => {
  it("come back with a bitmap, and tampered bytes are refused", () => {
    const vector = Float64Array.of(0, 1.5, 0, 0, -2, 0, 0, 0, 0, 3);
    const bytes = nonZeros().encode(vector, context);
    expect(bytes.length).toBe(2 + 12);
    expect(decoded(nonZeros(), bytes, 10)).toEqual(vector);
    expect(() => decoded(nonZeros(), bytes.subarray(0, 10), 10)).toThrow(/need 12/);
    expect(() => decoded(nonZeros(), bytes.subarray(0, 1), 10)).toThrow(/shorter than its bitmap/);
    expect(() => decoded(nonZeros(), bytes, 9)).toThrow(/more positions than entries/);
  });
});

describe("a number in one byte", () => {
  it("is off by 6.5 % at most, and what is too small is 0", () => {
    for (let e = -7.9; e < 7.9; e += 0.003) {
      const value = Math.exp(e);
      expect(Math.abs(fromByte(toByte(value)) / value - 1)).toBeLessThan(0.065);
      expect(fromByte(toByte(-value))).toBe(-fromByte(toByte(value)));
      expect(toByte(value)).toBe(Math.floor(8 * e + 64.5));
    }
    expect([0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-9].map(toByte)).toEqual([0, 0, 0, 0, 0]);
    expect([1e9, -1e9].map(toByte)).toEqual([127, 255]);
  });

  it("is a byte of a vector", () => {
    const vector = Float64Array.of(1, -1, 0);
    expect(Array.from(oneByte().encode(vector, context))).toEqual([64, 192, 0]);
    expect(decoded(oneByte(), Uint8Array.of(64, 192, 0), 3)).toEqual(vector);
    expect(() => decoded(oneByte(), Uint8Array.of(64), 3)).toThrow(/1 bytes, 3 values/);
  });
});
