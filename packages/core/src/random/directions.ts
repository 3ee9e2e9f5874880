import { kernelsFor } from "./fill-words.ts";
import { type RandomKey, STREAM_DOMAIN } from "./key.ts";
import { NUMBERS, type SimdKernels } from "./simd-kernels.ts";
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

/** Coordinates that are drawn at a time: 16 KB, stays in the first-level cache. */
const CHUNK = 4096;

/**
 * The signs of a Rademacher direction of n coordinates as bits, 32 to a word, lowest first: 1 stands for +1, 0 for -1. Bits
 * beyond n are part of the stream and stand for nothing.
 *
 * @returns [ceil(n / 32)]
 *
 * @example
 * ```ts
 * import { rootKey, signWords } from "@anabranch/core";
 * signWords(rootKey(1), 40).length; // => 2
 * ```
 */
export function signWords(key: RandomKey, n: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(n / 32));
  randomStream(key).uint32s(words);
  return words;
}

/**
 * The direction of a key, written to `out` [n].
 *
 * @example
 * ```ts
 * import { fillDirection, rootKey } from "@anabranch/core";
 * fillDirection(new Float32Array(4), "rademacher", rootKey(1)).map(Math.abs); // => [1, 1, 1, 1]
 * ```
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
  eachChunk(family, key, out.length, (values, from) => out.set(values, from));
  return out;
}

/**
 * Of a binomial direction: the ones among the 64 bits of each coordinate, [n].
 *
 * @example
 * ```ts
 * import { countOnes, rootKey } from "@anabranch/core";
 * countOnes(rootKey(1), 3).length; // => 3
 * ```
 */
export function countOnes(key: RandomKey, n: number): Uint8Array {
  const ones = new Uint8Array(n);
  eachChunk("binomial", key, n, (values, from) => {
    for (let i = 0; i < values.length; i++) ones[from + i] = 4 * values[i]! + 32;
  });
  return ones;
}

/**
 * sum += c z for the direction z of a key: in float64, coordinate by coordinate.
 *
 * @example
 * ```ts
 * import { addDirection, rootKey } from "@anabranch/core";
 * const sum = new Float64Array(4);
 * addDirection(sum, 2, "rademacher", rootKey(1));
 * [...sum].map(Math.abs); // => [2, 2, 2, 2]
 * ```
 */
export function addDirection(sum: Float64Array, c: number, family: DirectionFamily, key: RandomKey): void {
  if (family === "rademacher") {
    addSigns(sum, c, signWords(key, sum.length));
    return;
  }
  eachChunk(family, key, sum.length, (values, from) => {
    for (let i = 0; i < values.length; i++) sum[from + i]! += c * values[i]!;
  });
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

/** Families whose coordinates are numbers made of several bits. */
type NumberFamily = Exclude<DirectionFamily, "rademacher">;

/** The coordinates of a direction, some at a time and in order; `values` are overwritten by the next ones. */
function eachChunk(
  family: NumberFamily,
  key: RandomKey,
  n: number,
  take: (values: Float32Array, from: number) => void,
): void {
  const kernels = kernelsFor(family === "binomial" ? 2 * n : n / 2);
  const fill = kernels === undefined ? plainNumbers(family, key) : kernelNumbers(kernels, family, key);
  for (let from = 0; from < n; from += CHUNK) take(fill(from, Math.min(CHUNK, n - from)), from);
}

/** Coordinates from a multiple of `CHUNK` on, in order. */
type Numbers = (from: number, count: number) => Float32Array;

/** The words of a direction start at counter 0 of the stream; a chunk takes 4096 blocks at most. */
function kernelNumbers(kernels: SimdKernels, family: NumberFamily, [key0, key1]: RandomKey): Numbers {
  const numbers = new Float32Array(kernels.memory.buffer, NUMBERS, CHUNK);
  const wordBytes = family === "binomial" ? 8 : 2;
  return (from, count) => {
    kernels.threefry(key0, key1, (from * wordBytes) / 8, STREAM_DOMAIN, wordBytes * count);
    if (family === "binomial") kernels.binomial(4 * count);
    else kernels.uniform(4 * count);
    return numbers.subarray(0, count);
  };
}

function plainNumbers(family: NumberFamily, key: RandomKey): Numbers {
  const stream = randomStream(key);
  const words = new Uint32Array(2 * CHUNK);
  const values = new Float32Array(CHUNK);
  const draw = (length: number) => stream.uint32s(words.subarray(0, Math.ceil(length)));
  return (_from, count) => {
    if (family === "binomial") {
      draw(2 * count);
      for (let i = 0; i < count; i++) values[i] = (onesIn(words[2 * i]!) + onesIn(words[2 * i + 1]!) - 32) / 4;
    } else {
      draw(count / 2);
      for (let i = 0; i < count; i++) {
        values[i] = (2 * ((words[i >>> 1]! >>> (16 * (i & 1))) & 0xffff) - 65_535) / 65_536;
      }
    }
    return values.subarray(0, count);
  };
}

/** Ones among the bits of a word. */
function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
