import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { combinePieces, inverse, lagrangeWeights, multiply, uniformElements } from "./field.ts";
import { packBits, packedBytes, unpackBits } from "./packing.ts";
import { FIELD_PRIME } from "./prime.ts";
import { dequantizeMean, levels, modulusBits, type Quantization, quantize } from "./quantization.ts";
import { rebuildSecret, splitSecret } from "./shamir.ts";

const refusal = (code: string) => expect.objectContaining({ code: `secure-aggregation/${code}` });

describe("packing", () => {
  it("gives back every vector at every width, in the fewest bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.array(fc.nat(0xffffffff), { maxLength: 70 }), (bits, list) => {
        const values = Uint32Array.from(list, (value) => value % 2 ** bits);
        const packed = packBits(values, bits);
        expect(packed.length).toBe(Math.ceil((values.length * bits) / 8));
        expect(unpackBits(packed, values.length, bits, "here")).toEqual(values);
      }),
    );
  });

  it("takes values mod 2^bits and puts the lowest bit first", () => {
    expect([...packBits(Int32Array.of(-1, 2, 9), 3)]).toEqual([0b01_010_111, 0]);
    expect(packedBytes(1_000_000, 23)).toBe(2_875_000);
  });

  it("refuses spare bits and other lengths", () => {
    expect(() => unpackBits(Uint8Array.of(0x80), 7, 1, "here")).toThrow(refusal("malformed"));
    expect(() => unpackBits(new Uint8Array(2), 7, 1, "here")).toThrow(refusal("malformed"));
  });
});

describe("field", () => {
  it("has a prime order, and every element but 0 an inverse", () => {
    for (let divisor = 2; divisor * divisor <= FIELD_PRIME; divisor++) {
      if (FIELD_PRIME % divisor === 0) throw new Error(`${divisor} divides it`);
    }
    for (const a of [1, 2, 12345, FIELD_PRIME - 1]) expect(multiply(a, inverse(a))).toBe(1);
  });

  it("interpolates: weights carry values of a polynomial to its other points", () => {
    const polynomial = (x: number) =>
      [5, 70, 66_000_000, 9].reduceRight((sum, c) => (multiply(sum, x) + c) % FIELD_PRIME);
    const [from, to] = [
      [3, 1, 9, 40],
      [2, 77, FIELD_PRIME - 1],
    ];
    const pieces = from.map((x) => Uint32Array.of(polynomial(x)));
    const values = lagrangeWeights(from, to).map((weights) => combinePieces(weights, pieces)[0]);
    expect(values).toEqual(to.map(polynomial));
  });

  it("adds products exactly: the largest elements, as many as it may, against whole numbers", () => {
    const pieces = Array.from({ length: 8192 }, () => Uint32Array.of(FIELD_PRIME - 1, FIELD_PRIME - 2));
    const weights = pieces.map(() => FIELD_PRIME - 1);
    // (-1)(-1) = 1 and (-1)(-2) = 2, 8192 times.
    expect([...combinePieces(weights, pieces)]).toEqual([8192, 16384]);
  });

  it("draws uniform elements", async () => {
    const elements = await uniformElements(new Uint8Array(16).fill(3), 64_000);
    const counts = new Float64Array(64);
    for (const element of elements) {
      expect(element).toBeLessThan(FIELD_PRIME);
      counts[Math.floor((element / FIELD_PRIME) * 64)]!++;
    }
    const square = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // Chi-square with 63 degrees of freedom: above 137 with probability 2e-7.
    expect(square).toBeLessThan(137);
  });
});

describe("shares", () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 5);
  const accept = (found: Uint8Array) => found.every((byte, i) => byte === secret[i]);

  it("rebuild a secret from any threshold of them and not from fewer", async () => {
    const shares = await splitSecret(secret, 6, 4);
    for (let set = 0; set < 64; set++) {
      const some = shares.filter((_, i) => (set >> i) & 1);
      const rebuilt = await rebuildSecret(some, 4, accept);
      expect(rebuilt !== undefined).toBe(some.length >= 4);
    }
  });

  it("rebuild it though some are wrong, repeated or without a point, as long as enough are right", async () => {
    const shares = await splitSecret(secret, 60, 31);
    const spoil = (count: number) => shares.map((share, i) => (i < count ? share.map((byte) => byte ^ 0x55) : share));
    expect(await rebuildSecret(spoil(3), 31, accept)).toEqual(secret);
    expect(await rebuildSecret(spoil(30), 31, accept)).toBeUndefined();
    const few = await splitSecret(secret, 5, 3);
    expect(await rebuildSecret([few[0]!, few[0]!, few[1]!, few[2]!], 3, accept)).toEqual(secret);
    expect(await rebuildSecret([new Uint8Array(33), few[0]!, few[1]!], 3, accept)).toBeUndefined();
  });
});

describe("quantization", () => {
  const rule: Quantization = { range: 2, bits: 16, maxWeight: 50, rounding: "stochastic" };

  it("gives the weighted mean to within its steps, whatever the survivors", () => {
    const stream = randomStream(rootKey(5));
    const vectors = Array.from({ length: 9 }, () => Float64Array.from({ length: 40 }, () => 3 * stream.float() - 1.5));
    const weights = vectors.map((_, k) => 5 + 5 * k);
    for (const rounding of ["stochastic", "nearest"] as const) {
      const sum = new Uint32Array(41);
      for (const [k, vector] of vectors.entries()) {
        for (const [i, q] of quantize(vector, weights[k]!, { ...rule, rounding }, stream).entries()) sum[i]! += q;
      }
      const { mean, weight } = dequantizeMean(sum, vectors.length, rule);
      const total = weights.reduce((a, b) => a + b, 0);
      expect(Math.abs(weight - total)).toBeLessThan((9 * 0.5 * 50) / 65535 + 1e-9);
      // A value is off by one step 2 range / L at most, nine of them by nine, over the sum of weights / maxWeight; the
      // rounding of weights moves the mean by at most 9 * 0.5 / L of the range over the same.
      const bound = (9 * (4 / 65535) + (9 * 0.5 * 2 * 2) / 65535) / (total / 50);
      for (let i = 0; i < 40; i++) {
        const exact = vectors.reduce((s, vector, k) => s + vector[i]! * weights[k]!, 0) / total;
        expect(Math.abs(mean[i]! - exact)).toBeLessThan(bound);
      }
    }
  });

  it("is right on average when it rounds stochastically", () => {
    const stream = randomStream(rootKey(6));
    const value = 0.123_456;
    let sum = 0;
    for (let k = 0; k < 40_000; k++) sum += quantize([value], 50, { ...rule, bits: 3 }, stream)[0]!;
    // Rounding up has probability p = frac; sd of the mean at most 0.5 / 200; six of them.
    expect(Math.abs(sum / 40_000 - ((value + 2) * 7) / 4)).toBeLessThan(0.015);
  });

  it("clips to the range and stays within its levels", () => {
    const { bits } = rule;
    const q = quantize([-9, -2, 0, 2, 9], 50, { ...rule, rounding: "nearest" }, randomStream(rootKey(1)));
    expect([...q]).toEqual([0, 0, 2 ** (bits - 1), 65535, 65535, 65535]);
    expect(levels(rule)).toBe(65535);
  });

  it("refuses what it cannot add", () => {
    const stream = randomStream(rootKey(1));
    expect(() => quantize([1, Number.NaN], 1, rule, stream)).toThrow(refusal("not-finite"));
    expect(() => quantize([Number.POSITIVE_INFINITY], 1, rule, stream)).toThrow(refusal("not-finite"));
    for (const weight of [0, -1, 50.1, Number.NaN]) {
      expect(() => quantize([1], weight, rule, stream)).toThrow(refusal("weight"));
    }
    expect(() => quantize([1], 1, { ...rule, bits: 32 }, stream)).toThrow(refusal("quantization"));
    expect(() => quantize([1], 1, { ...rule, range: 0 }, stream)).toThrow(refusal("quantization"));
  });

  it("chooses the modulus from the cohort, and refuses sums that do not fit", () => {
    expect(modulusBits(100, 65535)).toBe(23);
    expect(modulusBits(1, 65535)).toBe(16);
    expect(modulusBits(2, 1)).toBe(2);
    expect(modulusBits(1024, 2 ** 22 - 1)).toBe(32);
    expect(modulusBits(1025, 2 ** 16 - 1)).toBe(27);
    expect(() => modulusBits(1025, 2 ** 22 - 1)).toThrow(refusal("overflow"));
  });
});
