import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";

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
      let sum = 0;
      for (const value of vector) sum += Math.abs(value);
      const bytes = new Uint8Array(signBytes(vector.length, floatBytes));
      bytes.set(writeFloats(Float64Array.of(vector.length === 0 ? 0 : sum / vector.length), floatBytes));
      for (let i = 0; i < vector.length; i++) {
        if (vector[i]! < 0) bytes[floatBytes + (i >>> 3)]! |= 128 >>> (i & 7);
      }
      return bytes;
    },
    decode(bytes, n, { floatBytes }) {
      if (bytes.length !== signBytes(n, floatBytes))
        throw malformed(`${bytes.length} bytes for the signs of ${n} values`);
      const size = readFloats(bytes.subarray(0, floatBytes), 1, floatBytes)[0]!;
      const vector = new Float64Array(n);
      for (let i = 0; i < n; i++) vector[i] = bytes[floatBytes + (i >>> 3)]! & (128 >>> (i & 7)) ? -size : size;
      return vector;
    },
    largest: signBytes,
  };
}

function signBytes(n: number, floatBytes: FloatBytes): number {
  return floatBytes + Math.ceil(n / 8);
}
