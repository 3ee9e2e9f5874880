import { describe, expect, it } from "vitest";
import { fillDirection } from "./directions.ts";
import { fillWords } from "./fill-words.ts";
import { deriveKey, rootKey, STREAM_DOMAIN } from "./key.ts";
import { NUMBERS, simdKernels } from "./simd-kernels.ts";
import { randomStream } from "./stream.ts";
import { fillThreefry } from "./threefry.ts";

const kernels = simdKernels()!;

describe("kernels of 128-bit vectors", () => {
  it.each([
    [0, 0, 0, 0],
    [0xffffffff, 0xffffffff, 0xffffff00, 0xffffffff],
    [0x13198a2e, 0x03707344, 77, 0x40000001],
  ])("give the blocks of the plain loop under key %i %i from counter %i %i", (key0, key1, low, high) => {
    const plain = new Uint32Array(512);
    fillThreefry(plain, 0, plain.length, key0, key1, low, high);
    kernels.threefry(key0, key1, low, high, 4 * plain.length);
    expect(new Uint32Array(kernels.memory.buffer, 0, plain.length)).toEqual(plain);
  });

  it("write words of any number to any place, also where the counter wraps", () => {
    fillWords(new Uint32Array(2 ** 19), 0, 2 ** 19, [1, 2], 0, 0); // from here on there are kernels
    for (const [from, to, low] of [
      [0, 258, 5],
      [2, 30_004, 0],
      [6, 9_000, 2 ** 32 - 100],
    ] as const) {
      const plain = new Uint32Array(to + 3);
      fillThreefry(plain, from, to, 3, 4, low, 9);
      const out = new Uint32Array(to + 3);
      fillWords(out, from, to, [3, 4], low, 9);
      expect(out).toEqual(plain);
    }
  });

  it("give numbers as they are defined by words", () => {
    const words = new Uint32Array(128);
    fillThreefry(words, 0, 128, 8, 9, 0, 1);
    kernels.threefry(8, 9, 0, 1, 512);
    kernels.binomial(4 * 64);
    const numbers = new Float32Array(kernels.memory.buffer, NUMBERS, 256);
    const ones = (word: number) => word.toString(2).replaceAll("0", "").length;
    const binomial = Array.from({ length: 64 }, (_, i) => (ones(words[2 * i]!) + ones(words[2 * i + 1]!) - 32) / 4);
    expect(Array.from(numbers.subarray(0, 64))).toEqual(binomial);
    kernels.uniform(4 * 256);
    const halves = Array.from(words, (word) => [word & 0xffff, word >>> 16]).flat();
    expect(Array.from(numbers)).toEqual(halves.map((half) => (2 * half - 65_535) / 65_536));
  });

  it.each(["binomial", "uniform"] as const)("draw %s directions that begin as short ones do", (family) => {
    const key = deriveKey(rootKey(3), family);
    const long = fillDirection(new Float32Array(300_001), family, key);
    const short = fillDirection(new Float64Array(100), family, key); // too short for kernels
    expect(Array.from(long.subarray(0, 100))).toEqual(Array.from(short));
    const words = new Uint32Array(600_002);
    fillThreefry(words, 0, words.length, key[0], key[1], 0, STREAM_DOMAIN);
    const ones = (word: number) => word.toString(2).replaceAll("0", "").length;
    const at = (i: number) =>
      family === "binomial"
        ? (ones(words[2 * i]!) + ones(words[2 * i + 1]!) - 32) / 4
        : (2 * ((words[i >>> 1]! >>> (16 * (i & 1))) & 0xffff) - 65_535) / 65_536;
    for (const i of [4095, 4096, 200_000, 300_000]) expect(long[i]).toBe(at(i));
  });
});

describe("draws in bulk", () => {
  it.each([1, 2, 3, 1000, 3 * 2 ** 30, 2 ** 32])("below %d are those of single draws", (n) => {
    const [single, bulk] = [randomStream(rootKey(6)), randomStream(rootKey(6))];
    const out = new Uint32Array(9_001);
    bulk.belows(out, n);
    expect(Array.from(out)).toEqual(Array.from(out, () => single.below(n)));
    expect(bulk.uint32()).toBe(single.uint32());
  });
});
