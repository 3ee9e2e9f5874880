import { describe, expect, it } from "vitest";
import { bernoulliBits } from "./bernoulli.ts";
import { deriveKey, rootKey } from "./key.ts";
import { randomStream } from "./stream.ts";

function bit(bytes: Uint8Array, index: number): number {
  return (bytes[index >>> 3]! >>> (index & 7)) & 1;
}

describe("bernoulliBits", () => {
  it.each([0.5, 0.75, 0.25, 0.9, 0.8, 1 / 65536, 0.625])("has share p = %d at every bit position", (p) => {
    const count = 32 * 4000;
    const bytes = bernoulliBits(randomStream(deriveKey(rootKey(1), Math.round(p * 65536))), count, p);
    for (let position = 0; position < 32; position++) {
      let ones = 0;
      for (let i = position; i < count; i += 32) ones += bit(bytes, i);
      // 6 sd per position plus one count for the rare p: false alarm below 1e-6 over the 32 positions.
      const allowed = 6 * Math.sqrt(p * (1 - p) * 4000) + 1;
      expect(Math.abs(ones - p * 4000)).toBeLessThan(allowed);
    }
  });

  it("has independent neighbours", () => {
    const count = 100_000;
    const bytes = bernoulliBits(randomStream(rootKey(2)), count, 0.75);
    for (const distance of [1, 8, 31, 32]) {
      let both = 0;
      for (let i = 0; i + distance < count; i++) both += bit(bytes, i) & bit(bytes, i + distance);
      // P(both) = 9/16; sd of the share about sqrt(9/16 * 7/16 / 1e5) * 1.6 (overlapping pairs) = 0.0025; 5 sd.
      expect(Math.abs(both / (count - distance) - 9 / 16)).toBeLessThan(0.0125);
    }
  });

  it("is what the bit-sliced definition says", () => {
    // p = 0.101 in binary: r3 = w1, r2 = w2 & r3, r1 = w3 | r2.
    const words = new Uint32Array(6);
    randomStream(rootKey(3)).uint32s(words);
    const bytes = bernoulliBits(randomStream(rootKey(3)), 64, 0.625);
    const results = new Uint32Array(bytes.buffer);
    expect([...results]).toEqual([0, 3].map((at) => (words[at + 2]! | (words[at + 1]! & words[at]!)) >>> 0));
  });

  it("does not depend on how the work is cut into chunks", () => {
    const long = bernoulliBits(randomStream(rootKey(4)), 400_000, 0.75);
    const short = bernoulliBits(randomStream(rootKey(4)), 4000, 0.75);
    expect([...long.subarray(0, 500)]).toEqual([...short]);
  });

  it("is empty, all zeros or all ones at the ends, and clears the spare bits", () => {
    const stream = randomStream(rootKey(5));
    expect(bernoulliBits(stream, 0, 0.5).length).toBe(0);
    expect([...bernoulliBits(stream, 13, 1)]).toEqual([0xff, 0x1f]);
    expect([...bernoulliBits(stream, 13, 0)]).toEqual([0, 0]);
    expect(stream.uint32()).toBe(randomStream(rootKey(5)).uint32());
  });

  it("refuses a probability outside [0, 1]", () => {
    expect(() => bernoulliBits(randomStream(rootKey(0)), 8, 1.5)).toThrow(
      expect.objectContaining({ code: "random/probability" }),
    );
  });
});
