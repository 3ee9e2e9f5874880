import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layout, type Vector } from "../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { decodeVector, encodeVector, encodingFault, largestEncoding } from "./codec.ts";
import type { CodecSpec } from "./codec-spec.ts";

const entry = (name: string, ...shape: number[]) => ({ name, shape, role: "matrix" as const, block: name });
const model = layout([
  entry("a-bias", 5),
  entry("b-matrix", 6, 9),
  entry("c-kernel", 8, 2, 3, 3),
  entry("d-batch", 2, 7, 8),
  entry("e-column", 4, 1),
]);
const size = 5 + 54 + 144 + 112 + 4;

function random(length: number, seed = 1): Float64Array {
  const stream = randomStream(deriveKey(rootKey(seed), "numbers"));
  return Float64Array.from({ length }, () => stream.float() - 0.5);
}

const difference = (a: Vector, b: Vector) => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));

const specs: readonly CodecSpec[] = [
  { name: "truncated-svd", share: 0.5 },
  { name: "truncated-svd", energy: 0.5 },
  { name: "low-rank-symmetric", share: 0.3 },
];

describe("the vector of an update", () => {
  it("keeps its other parameters, and its element type", () => {
    const vector = Float32Array.from(random(size));
    const encoded = encodeVector({ name: "truncated-svd", share: 0.5 }, model, vector);
    // q: 54 * 0.5 / 16 -> 1, kernel [8, 18] 144 * 0.5 / 27 -> 2, batch 2 x 56 * 0.5 / 16 -> 1
    expect(encoded.length).toBe(5 + 1 * 16 + 2 * 27 + 2 * 16 + 4);
    const decoded = decodeVector({ name: "truncated-svd", share: 0.5 }, model, encoded);
    expect(decoded).toBeInstanceOf(Float32Array);
    expect(decoded.length).toBe(size);
    expect(decoded.subarray(0, 5)).toEqual(vector.subarray(0, 5));
    expect(decoded.subarray(-4)).toEqual(vector.subarray(-4));
    expect(difference(decoded, vector)).toBeGreaterThan(0.1);
  });

  it.each([
    [Float64Array, 1e-14],
    [Float32Array, 1e-6],
  ])("of low rank comes back, in every kind of parameter: %o", (type, within) => {
    const vector = new type(random(size));
    for (const [offset, m, n] of [
      [5, 6, 9],
      [59, 8, 18],
      [203, 7, 8],
      [259, 7, 8],
    ] as const) {
      const [left, right] = [random(m, offset), random(n, offset + 1)];
      for (let i = 0; i < m * n; i++) vector[offset + i] = left[Math.floor(i / n)]! * right[i % n]!;
    }
    for (const spec of specs.slice(0, 2)) {
      const encoded = encodeVector(spec, model, vector);
      expect(encoded.length).toBeLessThan(size / 2);
      expect(difference(decodeVector(spec, model, encoded), vector)).toBeLessThan(within);
    }
  });

  it("encodes to the same bits again, and leaves its input as it is", () => {
    const vector = random(size);
    for (const spec of specs) {
      expect(encodeVector(spec, model, vector)).toEqual(encodeVector(spec, model, vector));
      expect(vector).toEqual(random(size));
    }
  });

  it("is never longer than announced", () => {
    for (const spec of [...specs, { name: "truncated-svd", energy: 1 }, { name: "truncated-svd", share: 1 }] as const) {
      expect(encodeVector(spec, model, random(size)).length).toBeLessThanOrEqual(largestEncoding(spec, model));
    }
    // one flag for each of the four matrices that rank 1 would shorten
    expect(largestEncoding({ name: "truncated-svd", energy: 1 }, model)).toBe(size + 4);
  });
});

describe("a malformed vector", () => {
  it.each<[string, CodecSpec, Vector]>([
    ["an empty one", specs[0]!, new Float32Array(0)],
    ["one too short", specs[0]!, new Float32Array(110)],
    ["one too long", specs[0]!, new Float32Array(112)],
    ["a rank of which the factors would be no smaller", specs[1]!, new Float64Array(size).fill(4)],
    ["a rank below 0", specs[1]!, new Float64Array(size).fill(-1)],
    ["half a rank", specs[1]!, new Float64Array(size).fill(0.5)],
    ["no rank", specs[1]!, new Float64Array(size).fill(Number.NaN)],
    ["an endless rank", specs[1]!, new Float64Array(size).fill(Number.POSITIVE_INFINITY)],
    ["an end before a rank", specs[1]!, new Float64Array(5)],
  ])("is refused: %s", (_what, spec, encoded) => {
    expect(encodingFault(spec, model, encoded)).toMatch(/rank/);
    expect(() => decodeVector(spec, model, encoded)).toThrow(
      expect.objectContaining({ code: "update/codec" }) as unknown as Error,
    );
  });

  it("is decoded to the length of the layout or refused by code, whatever is in it", () => {
    const element = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.double(), fc.constant(1), fc.constant(0));
    const garbage = fc.array(element, { maxLength: size + 8 }).map((values) => Float64Array.from(values));
    const honest = fc
      .tuple(fc.constantFrom(...specs), fc.integer({ min: 0, max: 400 }), element)
      .map(([spec, place, value]) => {
        const encoded = encodeVector(spec, model, random(size));
        encoded[place % encoded.length] = value;
        return [spec, encoded] as const;
      });
    const anything = fc.oneof(fc.tuple(fc.constantFrom(...specs), garbage), honest);
    fc.assert(
      fc.property(anything, ([spec, encoded]) => {
        const fault = encodingFault(spec, model, encoded);
        if (fault === undefined) expect(decodeVector(spec, model, encoded).length).toBe(size);
        else expect(() => decodeVector(spec, model, encoded)).toThrow(/cannot be|its ranks make/);
      }),
      { seed: 1, numRuns: 400 },
    );
  });
});

describe("a codec", () => {
  it("is one of the table, with a share in range", () => {
    const use = (spec: unknown) => () => encodeVector(spec as CodecSpec, model, random(size));
    const failing = (code: string) => expect.objectContaining({ code }) as unknown as Error;
    expect(use({ name: "gzip" })).toThrow(failing("codec/unknown"));
    expect(use({ name: "truncated-svd", share: 0 })).toThrow(failing("codec/option"));
    expect(use({ name: "truncated-svd", energy: 1.5 })).toThrow(failing("codec/option"));
    expect(use({ name: "low-rank-symmetric", share: Number.NaN })).toThrow(failing("codec/option"));
  });
});
