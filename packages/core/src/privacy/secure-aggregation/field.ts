import { keystream } from "./keystream.ts";
import { FIELD_BITS, FIELD_PRIME } from "./prime.ts";

export function multiply(a: number, b: number): number {
  return (a * b) % FIELD_PRIME;
}

/** By Fermat: a^(p - 2). */
export function inverse(a: number): number {
  let result = 1;
  let power = a;
  for (let exponent = FIELD_PRIME - 2; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) result = multiply(result, power);
    power = multiply(power, power);
  }
  return result;
}

/** Uniform field elements from a key [16]: 26 bits of each word of its keystream, those that are no element left out. */
export async function uniformElements(key: Uint8Array, count: number): Promise<Uint32Array> {
  const out = new Uint32Array(count);
  let filled = 0;
  for (let from = 0; filled < count; ) {
    // A multiple of four words, so that the next piece starts at a block of the cipher.
    const words = await keystream(key, from, Math.ceil((count - filled) / 4) * 4);
    from += words.length;
    for (let i = 0; i < words.length && filled < count; i++) {
      const element = words[i]! & (2 ** FIELD_BITS - 1);
      if (element < FIELD_PRIME) out[filled++] = element;
    }
  }
  return out;
}

/**
 * Lagrange weights [to, from]: the polynomial of degree from.length - 1 with value v_k at from[k] has the value
 * sum_k weights[j][k] v_k at to[j]. Points of `from` are distinct and none of them is in `to`.
 */
export function lagrangeWeights(from: readonly number[], to: readonly number[]): number[][] {
  const difference = (a: number, b: number) => (a - b + FIELD_PRIME) % FIELD_PRIME;
  const scales = from.map((point, k) =>
    inverse(from.reduce((product, other, i) => (i === k ? product : multiply(product, difference(point, other))), 1)),
  );
  return to.map((target) => {
    const all = from.reduce((product, point) => multiply(product, difference(target, point)), 1);
    return from.map((point, k) => multiply(scales[k]!, multiply(all, inverse(difference(target, point)))));
  });
}

/** Elements of a piece that are combined at a time: its two accumulators stay in the first-level cache. */
const BLOCK = 1024;
/** A weight is cut at this bit: 13 + 26 bits leave room for 2^13 terms, and the other half, in a double. */
const HALF = 8192;

/** sum_k weights[k] pieces[k] mod p, [length]; at most 2^13 pieces. */
export function combinePieces(weights: readonly number[], pieces: readonly Uint32Array[]): Uint32Array {
  const length = pieces[0]!.length;
  const out = new Uint32Array(length);
  const low = new Float64Array(BLOCK);
  const high = new Float64Array(BLOCK);
  for (let from = 0; from < length; from += BLOCK) {
    const size = Math.min(BLOCK, length - from);
    low.fill(0);
    high.fill(0);
    for (const [k, piece] of pieces.entries()) {
      const weightLow = weights[k]! % HALF;
      const weightHigh = Math.floor(weights[k]! / HALF);
      for (let i = 0; i < size; i++) {
        const value = piece[from + i]!;
        low[i]! += weightLow * value;
        high[i]! += weightHigh * value;
      }
    }
    for (let i = 0; i < size; i++) out[from + i] = ((high[i]! % FIELD_PRIME) * HALF + low[i]!) % FIELD_PRIME;
  }
  return out;
}
