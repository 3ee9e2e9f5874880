import type { RandomKey } from "./key.ts";
import { randomStream } from "./stream.ts";

/**
 * How the coordinates of a direction are drawn, independent of each other. All are made of integers, so they have the same
 * bits in every JavaScript engine, where a normal variable by logarithms has not.
 *
 * | family | coordinate | mean | variance | kurtosis | random bits |
 * |---|---|---|---|---|---|
 * | rademacher | -1 or 1 | 0 | 1 | 1 | 1 |
 * | binomial | (ones among 64 bits - 32) / 4, nearly normal | 0 | 1 | 3 - 1/32 | 64 |
 * | uniform | an odd multiple of 2^-16 in (-1, 1) | 0 | 1/3 (1 - 2^-32) | 1.8 | 16 |
 */
export type DirectionFamily = "rademacher" | "binomial" | "uniform";

/** Words that are drawn at a time: 16 KB, stays in the first-level cache. */
const CHUNK = 4096;

/**
 * The signs of a Rademacher direction of n coordinates as bits, 32 to a word, lowest first: 1 stands for +1, 0 for -1. Bits
 * beyond n are part of the stream and stand for nothing.
 *
 * @returns [ceil(n / 32)]
 */
export function signWords(key: RandomKey, n: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(n / 32));
  randomStream(key).uint32s(words);
  return words;
}

/**
 * The direction of a key, written to `out` [n].
 *
 * @example fillDirection(new Float32Array(8), "rademacher", rootKey(1)) // eight numbers, -1 or 1
 */
export function fillDirection<V extends Float32Array | Float64Array>(
  out: V,
  family: DirectionFamily,
  key: RandomKey,
): V {
  if (family === "rademacher") {
    const words = signWords(key, out.length);
    for (let i = 0; i < out.length; i++) out[i] = (((words[i >>> 5]! >>> (i & 31)) & 1) << 1) - 1;
    return out;
  }
  if (family === "binomial") {
    eachOnes(key, out.length, (i, ones) => {
      out[i] = (ones - 32) / 4;
    });
    return out;
  }
  const stream = randomStream(key);
  const words = new Uint32Array(CHUNK);
  for (let from = 0; from < out.length; from += 2 * CHUNK) {
    const drawn = words.subarray(0, Math.min(CHUNK, Math.ceil((out.length - from) / 2)));
    stream.uint32s(drawn);
    const end = Math.min(out.length, from + 2 * CHUNK);
    for (let i = from; i < end; i++) {
      const half = (drawn[(i - from) >>> 1]! >>> (16 * (i & 1))) & 0xffff;
      out[i] = (2 * half - 65_535) / 65_536;
    }
  }
  return out;
}

/** Of a binomial direction: the ones among the 64 bits of each coordinate, [n]. */
export function countOnes(key: RandomKey, n: number): Uint8Array {
  const ones = new Uint8Array(n);
  eachOnes(key, n, (i, count) => {
    ones[i] = count;
  });
  return ones;
}

/** sum += c z for the direction z of a key: in float64, coordinate by coordinate. */
export function addDirection(sum: Float64Array, c: number, family: DirectionFamily, key: RandomKey): void {
  if (family === "rademacher") {
    addSigns(sum, c, signWords(key, sum.length));
    return;
  }
  const z = fillDirection(new Float64Array(sum.length), family, key);
  for (let i = 0; i < sum.length; i++) sum[i]! += c * z[i]!;
}

/** sum += c z for signs z as `signWords` has them. */
function addSigns(sum: Float64Array, c: number, words: Uint32Array): void {
  const value = Float64Array.of(-c, c);
  const whole = sum.length >>> 5;
  for (let w = 0, i = 0; w < whole; w++) {
    let word = words[w]!;
    for (const end = i + 32; i < end; i++, word >>>= 1) sum[i]! += value[word & 1]!;
  }
  for (let i = 32 * whole, word = words[whole]!; i < sum.length; i++, word >>>= 1) sum[i]! += value[word & 1]!;
}

function eachOnes(key: RandomKey, n: number, take: (i: number, ones: number) => void): void {
  const stream = randomStream(key);
  const words = new Uint32Array(CHUNK);
  for (let from = 0; from < n; from += CHUNK / 2) {
    const count = Math.min(CHUNK / 2, n - from);
    stream.uint32s(words.subarray(0, 2 * count));
    for (let i = 0; i < count; i++) take(from + i, onesIn(words[2 * i]!) + onesIn(words[2 * i + 1]!));
  }
}

/** Ones among the bits of a word. */
function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
