import type { Vector } from "../params/index.ts";
import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";
import { wordsOf } from "./select.ts";

/**
 * Scaled sign: the mean absolute value times the sign, where 0 counts as positive. One bit per value and one float.
 * Contractive with a = |x|_1^2 / (n |x|_2^2).
 * S. P. Karimireddy, Q. Rebjock, S. U. Stich, M. Jaggi, "Error Feedback Fixes SignSGD and other Gradient Compression
 * Schemes", ICML 2019. https://arxiv.org/abs/1901.09847
 */
export function scaledSign(): Compressor {
  return {
    traits: { linear: false, unbiased: false, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const n = vector.length;
      const bytes = new Uint8Array(signBytes(n, floatBytes));
      bytes.set(writeFloats(Float64Array.of(n === 0 ? 0 : absoluteSum(vector) / n), floatBytes));
      writeSigns(bytes, floatBytes, vector);
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      if (bytes.length !== signBytes(n, floatBytes))
        throw malformed(`${bytes.length} bytes for the signs of ${n} values`);
      const mean = new Float64Array(1);
      readFloats(bytes.subarray(0, floatBytes), mean, floatBytes);
      const size = mean[0]!;
      const whole = n >>> 3;
      for (let b = 0, i = 0; b < whole; b++, i += 8) {
        const byte = bytes[floatBytes + b]!;
        out[i] = (1 - ((byte >>> 6) & 2)) * size;
        out[i + 1] = (1 - ((byte >>> 5) & 2)) * size;
        out[i + 2] = (1 - ((byte >>> 4) & 2)) * size;
        out[i + 3] = (1 - ((byte >>> 3) & 2)) * size;
        out[i + 4] = (1 - ((byte >>> 2) & 2)) * size;
        out[i + 5] = (1 - ((byte >>> 1) & 2)) * size;
        out[i + 6] = (1 - (byte & 2)) * size;
        out[i + 7] = (1 - ((byte << 1) & 2)) * size;
      }
      for (let i = 8 * whole; i < n; i++)
        out[i] = ((bytes[floatBytes + whole]! >>> (7 - (i & 7))) & 1) === 0 ? size : -size;
    },
    largest: signBytes,
  };
}

function absoluteSum(vector: Vector): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i]!);
  return sum;
}

/** A bit for each value from byte `at` on, 1 where it is below 0; those beyond the end are 0. */
function writeSigns(bytes: Uint8Array, at: number, vector: Vector): void {
  const { words, width } = wordsOf(vector);
  // The sign is a bit, as it cannot be foreseen; only that of -0 does not count, whose other bits are 0.
  const sign = (i: number) => {
    const upper = words[width * (i + 1) - 1]!;
    const others = (upper << 1) | (width === 1 ? 0 : words[width * i]!);
    return (upper >>> 31) & ((others | -others) >>> 31);
  };
  const whole = vector.length >>> 3;
  for (let b = 0, i = 0; b < whole; b++, i += 8) {
    const left = (sign(i) << 7) | (sign(i + 1) << 6) | (sign(i + 2) << 5) | (sign(i + 3) << 4);
    bytes[at + b] = left | (sign(i + 4) << 3) | (sign(i + 5) << 2) | (sign(i + 6) << 1) | sign(i + 7);
  }
  for (let i = 8 * whole; i < vector.length; i++) bytes[at + whole]! |= sign(i) << (7 - (i & 7));
}

function signBytes(n: number, floatBytes: FloatBytes): number {
  return floatBytes + Math.ceil(n / 8);
}
