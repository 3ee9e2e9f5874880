import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "./word-stream.ts";

/** Random words handled at a time: 16 KB, stays in the first-level cache. */
const CHUNK_WORDS = 4096;

/**
 * `count` independent bits, each 1 with the given probability, packed eight to a byte, first bit lowest. Bits beyond
 * `count` in the last byte are 0. Integer operations only: the same bits in every JavaScript engine.
 *
 * The probability is rounded to 16 binary digits. With p = 0.b1 b2 ... bk in binary, 32 results at a time come from k
 * random words w by r = b_i ? w | r : w & r, from the last digit to the first. The cost grows with k: probability 0.5
 * takes one random word for 32 bits, 0.75 two, 0.9 sixteen.
 *
 * @param probability in [0, 1]
 * @returns [ceil(count / 8)] bytes (laid out as on every little-endian machine)
 * @example
 * ```ts
 * import { bernoulliBits, randomStream, rootKey } from "@anabranch/core";
 * bernoulliBits(randomStream(rootKey(1)), 16, 0.5).length; // => 2
 * ```
 */
export function bernoulliBits(stream: RandomStream, count: number, probability: number): Uint8Array {
  if (!(probability >= 0 && probability <= 1)) {
    throw new AnabranchError({
      code: "random/probability",
      message: "a probability is out of range",
      received: String(probability),
      expected: "a number from 0 to 1",
    });
  }
  const words = new Uint32Array(Math.ceil(count / 32));
  const numerator = Math.round(probability * 65536);
  if (numerator === 65536) words.fill(0xffffffff);
  else if (numerator > 0) fillWords(stream, words, numerator);
  const bytes = new Uint8Array(words.buffer, 0, Math.ceil(count / 8));
  if (count % 8 !== 0) bytes[bytes.length - 1]! &= (1 << (count % 8)) - 1;
  return bytes;
}

function fillWords(stream: RandomStream, words: Uint32Array, numerator: number): void {
  let digits = 16;
  while (((numerator >>> (16 - digits)) & 1) === 0) digits--;
  const pattern = numerator >>> (16 - digits);
  const random = new Uint32Array(Math.min(CHUNK_WORDS, words.length * digits));
  const perChunk = Math.floor(CHUNK_WORDS / digits);
  for (let from = 0; from < words.length; from += perChunk) {
    const to = Math.min(words.length, from + perChunk);
    const drawn = random.subarray(0, (to - from) * digits);
    stream.uint32s(drawn);
    if (digits === 1) words.set(drawn, from);
    else if (digits === 2 && pattern === 3) combineThreeQuarters(words, from, to, drawn);
    else combine(words, from, to, drawn, digits, pattern);
  }
}

/** `combine` for the pattern 11 (p = 0.75), the usual keep rate of convolution layers. */
function combineThreeQuarters(words: Uint32Array, from: number, to: number, random: Uint32Array): void {
  for (let i = from, next = 0; i < to; i++, next += 2) words[i] = random[next]! | random[next + 1]!;
}

function combine(
  words: Uint32Array,
  from: number,
  to: number,
  random: Uint32Array,
  digits: number,
  pattern: number,
): void {
  let next = 0;
  for (let i = from; i < to; i++) {
    let result = 0;
    for (let digit = 0; digit < digits; digit++) {
      const word = random[next++]!;
      result = (pattern >>> digit) & 1 ? word | result : word & result;
    }
    words[i] = result;
  }
}
