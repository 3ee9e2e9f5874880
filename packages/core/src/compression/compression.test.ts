import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layout } from "../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { BitReader, BitWriter } from "./bits.ts";
import {
  type CompressionLink,
  type CompressionSettings,
  checkedCompressor,
  compressorOf,
  decodePayload,
  drawsOneTable,
  encodePayload,
  largestEntries,
  largestPayload,
  parseLink,
  writeLink,
} from "./index.ts";
import { rememberedTable } from "./remembered-tables.ts";

const links: CompressionLink[][] = [
  [{ name: "top-k", density: 0.2 }],
  [{ name: "rand-k", density: 0.2, scaled: true }],
  [{ name: "count-sketch", size: 0.3 }],
  [{ name: "srht", size: 0.3 }],
  [{ name: "qsgd", levels: 4, bucket: 8, coding: "elias" }],
  [{ name: "qsgd", levels: 3, bucket: 512, coding: "fixed" }],
  [{ name: "natural" }],
  [{ name: "sign" }],
  [{ name: "e3m0" }],
  [{ name: "nf4", block: 8 }],
  [{ name: "fedzip", keep: 0.3, iterations: 5 }],
  [
    { name: "top-k", density: 0.5 },
    { name: "nf4", block: 64 },
  ],
  [
    { name: "rand-k", density: 0.5, scaled: false },
    { name: "top-k", density: 0.5 },
    { name: "qsgd", levels: 8, bucket: 16, coding: "elias" },
  ],
];
const model = layout([
  { name: "bias", shape: [3], role: "vector", block: "a" },
  { name: "kernel", shape: [5, 7], role: "matrix", block: "b" },
]);
const key = rootKey(7);
const f64 = (n: number) => new Float64Array(n);
const value = fc.oneof(fc.double({ min: -4, max: 4, noNaN: true }), fc.constant(0), fc.constantFrom(1, -1));
const values = fc.array(value, { minLength: model.size, maxLength: model.size });
const settings = fc.record({
  up: fc.constantFrom(...links),
  scope: fc.constantFrom("model" as const, "layer" as const),
});

function context(stream = randomStream(deriveKey(key, "draws"))) {
  return { floatBytes: 8, stream } as const;
}

function through(up: CompressionLink[], vector: Float64Array, seed = 1): Float64Array {
  const compressor = compressorOf(up);
  const stream = () => randomStream(deriveKey(rootKey(seed), "draws"));
  const decoded = new Float64Array(vector.length);
  compressor.decode(compressor.encode(vector, context(stream())), decoded, context(stream()));
  return decoded;
}

describe("a payload", () => {
  it("of any chain is repeatable, no longer than announced, and decodes to the length of the layout", () => {
    fc.assert(
      fc.property(settings, values, (chosen, numbers) => {
        const vector = Float64Array.from(numbers);
        const payload = encodePayload(chosen, model, vector, key);
        expect(encodePayload(chosen, model, vector, key)).toEqual(payload);
        expect(payload.length).toBeLessThanOrEqual(largestPayload(chosen, model, 8));
        expect(decodePayload(chosen, model, payload, f64)).toHaveLength(model.size);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([
    "e3m0",
    "nf4",
    "nf4 block=7",
    "qsgd levels=4",
    "sign",
  ])("%s does not make a number of what is none", (link) => {
    for (const Type of [Float32Array, Float64Array]) {
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const values = new Type(Array.from({ length: 5000 }, (_, i) => (i === 4321 ? odd : Math.sin(i))));
        const compressor = compressorOf([parseLink(link)]);
        const context = () => ({ floatBytes: Type === Float32Array ? 4 : 8, stream: randomStream(key) }) as const;
        const out = new Type(values.length);
        compressor.decode(compressor.encode(values, context()), out, context());
        expect(out.every(Number.isFinite)).toBe(false);
      }
    }
  });

  it.each([
    ["top-k density=0.01", "f279c7ba 9be13112"],
    ["top-k density=0.3", "55411bbe 78133180"],
    ["top-k density=0.3 + qsgd levels=7 bucket=16", "748424ce 388574af"],
    ["rand-k density=0.1", "e1657f05 cf30d700"],
    ["count-sketch size=0.1", "bb63c446 cf148478"],
    ["srht size=0.1", "aa7b0d73 d0a25542"],
    ["qsgd levels=4", "6ca9b8c5 f8c803e1"],
    ["qsgd levels=15 coding=fixed", "61a88cd6 db06a9d3"],
    ["qsgd levels=5 bucket=100000", "26e90da4 7a4ae27c"],
    ["natural", "4dc9fad4 600fff2b"],
    ["sign", "519a1b61 9dabfd12"],
    ["e3m0", "929fe073 bd3ced1d"],
    ["one-byte", "eefad40b dce8e20d"],
    ["non-zeros", "d6c5f9a3 ac27488c"],
    ["nf4", "4fd578c6 90e7210e"],
    ["nf4 block=7", "b28ebf6d 564ad1d7"],
    ["fedzip keep=0.1", "e44baba8 2cc5e625"],
    ["fedzip keep=0.4", "6f3ac45f 5124e534"],
    ["fedzip keep=0.001", "040daa55 ecf2f291"],
  ])("of %s keeps its bits", (chain, expected) => {
    const large = layout([{ name: "w", shape: [70_001], role: "vector", block: "w" }]);
    const words = new Uint32Array(large.size);
    randomStream(deriveKey(key, "bits")).uint32s(words);
    const up = chain.split(" + ").map((text) => parseLink(text));
    const hashes = [Float32Array, Float64Array].map((Floats) => {
      // of many sizes, some too small for a power of two, some 0 with either sign
      const vector = new Floats(words).map((_, i) => {
        const word = words[i]!;
        const size = [2, 1e-39, 1, 0][word & 3]! * Math.fround(((word >>> 4) * 2 ** -28) ** 3);
        return (word & 4) === 0 ? size : -size;
      });
      const payload = encodePayload({ up, scope: "model" }, large, vector, key);
      const there = decodePayload({ up, scope: "model" }, large, payload, (n) => new Floats(n));
      return createHash("sha256").update(payload).update(new Uint8Array(there.buffer)).digest("hex").slice(0, 8);
    });
    expect(hashes.join(" ")).toBe(expected);
  });

  it("that nobody wrote is refused by code or decodes to a vector", () => {
    const garbage = fc.uint8Array({ maxLength: 80 });
    const damaged = fc.tuple(fc.nat(), fc.nat(255), fc.nat(3));
    fc.assert(
      fc.property(
        settings,
        values,
        garbage,
        damaged,
        fc.boolean(),
        (chosen, numbers, bytes, [at, byte, cut], honest) => {
          let payload: Uint8Array = bytes;
          if (honest) {
            payload = encodePayload(chosen, model, Float64Array.from(numbers), key);
            payload[at % payload.length] = byte;
            payload = payload.subarray(0, payload.length - cut);
          }
          try {
            expect(decodePayload(chosen, model, payload, f64)).toHaveLength(model.size);
          } catch (error) {
            expect(error).toMatchObject({ code: "update/codec" });
          }
        },
      ),
      { seed: 1, numRuns: 2000 },
    );
  });

  it("is smaller than the vector for the usual settings", () => {
    const large = layout([{ name: "w", shape: [100, 100], role: "matrix", block: "w" }]);
    const stream = randomStream(key);
    const vector = Float32Array.from({ length: large.size }, () => stream.float() - 0.5);
    const bytes = (up: CompressionLink[]) => encodePayload({ up, scope: "model" }, large, vector, key).length;
    expect(bytes([{ name: "top-k", density: 0.01 }])).toBe(4 * 100 + Math.ceil((100 * 14) / 8));
    expect(bytes([{ name: "sign" }])).toBe(4 + 1250);
    expect(bytes([{ name: "nf4", block: 64 }])).toBe(4 * 157 + 5000);
    expect(bytes([{ name: "rand-k", density: 0.01, scaled: true }])).toBe(8 + 400);
  });
});

describe("operators", () => {
  const vector = Float64Array.of(0.5, -2, 0.25, 1, -0.125, 3, 0, -1);

  it.each(
    links.filter(([first, second]) => second === undefined && first!.name !== "top-k" && first!.name !== "rand-k"),
  )("%o is unbiased where its traits declare it", (link) => {
    const compressor = compressorOf([link]);
    if (!compressor.traits.unbiased) return expect(compressor.traits.unbiased).toBe(false);
    const draws = 4000;
    const mean = new Float64Array(vector.length);
    for (let seed = 0; seed < draws; seed++) {
      const there = through([link], vector, seed);
      for (let i = 0; i < mean.length; i++) mean[i]! += there[i]! / draws;
    }
    for (let i = 0; i < mean.length; i++) expect(Math.abs(mean[i]! - vector[i]!)).toBeLessThan(0.4);
  });

  it("contractive ones bring a vector nearer to itself", () => {
    fc.assert(
      fc.property(fc.constantFrom(...links), values, (up, numbers) => {
        const x = Float64Array.from(numbers);
        const names = up.map(({ name }) => name);
        if (!compressorOf(up).traits.contractive || names.includes("natural")) return;
        const there = through(up, x);
        const squares = (a: Float64Array) => a.reduce((sum, v) => sum + v * v, 0);
        expect(squares(x.map((v, i) => v - there[i]!))).toBeLessThanOrEqual(squares(x) * (1 + 1e-12));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("natural compression and signs give 0 no sign", () => {
    const tiny = Float64Array.of(-1e-60, -0, 0, -1e-45, 3, -3);
    const there = through([{ name: "natural" }], tiny);
    expect(Array.from(there.subarray(0, 4), (value) => Object.is(value, 0))).toEqual([true, true, true, true]);
    expect(Math.sign(there[4]!)).toBe(1);
    expect(Math.sign(there[5]!)).toBe(-1);
    for (const vector of [tiny, Float32Array.of(-1e-20, -0, 0, -1e-44, 3, -3)]) {
      const [sign] = compressorOf([{ name: "sign" }])
        .encode(vector, context())
        .subarray(8);
      expect(sign).toBe(0b10010100);
    }
  });

  it("linear ones add before they are decoded", () => {
    const other = Float64Array.of(1, 1, -3, 0.5, 2, 0, -0.75, 4);
    const sum = vector.map((v, i) => v + other[i]!);
    for (const link of links.slice(1, 4)) {
      const [a, b, both] = [through(link, vector), through(link, other), through(link, sum)];
      for (let i = 0; i < sum.length; i++) expect(a[i]! + b[i]!).toBeCloseTo(both[i]!, 12);
    }
  });
});

describe("a table of a round", () => {
  const sketch: CompressionLink = { name: "count-sketch", size: 0.3 };
  const narrow: CompressionLink = { name: "rand-k", density: 0.5, scaled: true };

  it("is one for all clients where the chain is a linear sketch", () => {
    expect(drawsOneTable({ up: [sketch] })).toBe(true);
    expect(drawsOneTable({ up: [{ name: "srht", size: 0.3 }, narrow] })).toBe(true);
    expect(drawsOneTable({ up: [narrow] })).toBe(false);
    expect(drawsOneTable({ up: [sketch, { name: "natural" }] })).toBe(false);
  });

  it("is the same when it is remembered", () => {
    const vector = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i));
    for (const up of [[sketch], [{ name: "srht", size: 0.3 } as const], [sketch, narrow]]) {
      const compressor = compressorOf(up);
      const draws = (own: typeof key) => ({ floatBytes: 8, stream: randomStream(own), key: own }) as const;
      for (const seed of [1, 2, 1]) {
        const own = rootKey(seed);
        const fresh = compressor.encode(vector, { floatBytes: 8, stream: randomStream(own) });
        expect(compressor.encode(vector, draws(own))).toEqual(fresh);
      }
    }
  });

  it("is forgotten when there are many", () => {
    const drawn: number[] = [];
    const table = (name: number) =>
      rememberedTable(`test ${name}`, 2 ** 21, () => {
        drawn.push(name);
        return { size: name, apply: () => new Float64Array(1), transpose: () => undefined };
      });
    for (const name of [1, 2, 3, 4, 1, 5, 2]) expect(table(name).size).toBe(name);
    expect(drawn).toEqual([1, 2, 3, 4, 5, 2]);
  });
});

describe("the largest entries", () => {
  it("are those of a stable sort, in both widths", () => {
    const small = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(small, fc.nat(40), (numbers, k) => {
        const sorted = numbers.map((_, i) => i).sort((i, j) => Math.abs(numbers[j]!) - Math.abs(numbers[i]!) || i - j);
        const expected = sorted.slice(0, k).sort((i, j) => i - j);
        expect([...largestEntries(Float64Array.from(numbers), k)]).toEqual(expected);
        expect([...largestEntries(Float32Array.from(numbers), k)]).toEqual(expected);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([
    ["of many sizes", (u: number) => u ** 5],
    ["with ties", (u: number) => Math.round(8 * u)],
    ["that are mostly 0", (u: number) => (u > 0.49 ? u : 0)],
    ["in a pattern that a sample meets", (_u: number, i: number) => (i % 5 === 0 ? 1 : i / 1e6)],
  ])("are found among 20,000 %s", (_name, value) => {
    const stream = randomStream(deriveKey(key, "large"));
    const numbers = Float64Array.from({ length: 20_000 }, (_, i) => Math.fround(value(stream.float() - 0.5, i)));
    const sorted = Array.from(numbers.keys()).sort((i, j) => Math.abs(numbers[j]!) - Math.abs(numbers[i]!) || i - j);
    for (const k of [1, 20, 400, 10_000, 19_999]) {
      const expected = Uint32Array.from(sorted.slice(0, k)).sort();
      expect(largestEntries(numbers, k)).toEqual(expected);
      expect(largestEntries(new Float32Array(numbers), k)).toEqual(expected);
    }
  });
});

describe("bits", () => {
  it("come back for every width up to 32", () => {
    const values = fc.array(
      fc
        .integer({ min: 1, max: 32 })
        .chain((width) => fc.tuple(fc.constant(width), fc.nat(2 ** Math.min(31, width) - 1), fc.boolean())),
    );
    fc.assert(
      fc.property(values, (list) => {
        const writer = new BitWriter();
        const numbers = list.map(([width, value, top]) => (width === 32 && top ? value + 2 ** 31 : value));
        for (const [i, [width]] of list.entries()) writer.write(numbers[i]!, width);
        const reader = new BitReader(writer.finish());
        expect(list.map(([width]) => reader.read(width))).toEqual(numbers);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("a chain", () => {
  const failing = (code: string) => expect.objectContaining({ code }) as unknown as Error;

  it("is written and read as text", () => {
    for (const link of links.flat()) expect(parseLink(writeLink(link))).toEqual(link);
    expect(parseLink("top-k density=0.01")).toEqual({ name: "top-k", density: 0.01 });
  });

  it.each([
    "",
    "top-k",
    "top-k density=0",
    "top-k density=2",
    "gzip",
    "top-k density=0.1 density=0.2",
    "qsgd levels",
  ])("refuses the operator %j", (text) => {
    expect(() => parseLink(text)).toThrow(failing("compression/operator"));
  });

  it.each([
    ["top-k", "density is missing"],
    ["top-k density=2", "density has to be at most 1"],
    ["top-k density=0", "density has to be more than 0"],
    ["qsgd levels=1.5", "levels has to be an integer"],
    ["gzip", "no operator of this name"],
    ["topk density=0.1", "no operator of this name; did you mean top-k?"],
  ])("says what is wrong with %j", (text, reason) => {
    expect(() => parseLink(text)).toThrow(`the compression operator cannot be read: ${reason}`);
  });

  it("refuses an operator after one that ends it, and feedback around one that is not contractive", () => {
    const chain: CompressionSettings["up"] = [{ name: "sign" }, { name: "top-k", density: 0.1 }];
    expect(() => compressorOf(chain)).toThrow(failing("compression/chain"));
    expect(() => compressorOf([])).toThrow(failing("compression/chain"));
    expect(() => checkedCompressor([{ name: "qsgd", levels: 1, bucket: 512, coding: "elias" }], "ef14")).toThrow(
      failing("compression/feedback"),
    );
  });
});
