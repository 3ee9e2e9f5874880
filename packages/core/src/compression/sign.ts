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
      let sum = 0;
      for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i]!);
      const bytes = new Uint8Array(signBytes(vector.length, floatBytes));
      bytes.set(writeFloats(Float64Array.of(vector.length === 0 ? 0 : sum / vector.length), floatBytes));
      const { words, width } = wordsOf(vector);
      for (let i = 0, at = floatBytes; i < vector.length; i += 8, at++) {
        let byte = 0;
        // The sign is a bit, as it cannot be foreseen; only that of -0 does not count. Beyond the end there is none.
        for (let j = i; j < i + 8; j++) {
          byte = (byte << 1) | (vector[j] === 0 ? 0 : words[width * (j + 1) - 1]! >>> 31);
        }
        bytes[at] = byte;
      }
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      if (bytes.length !== signBytes(n, floatBytes))
        throw malformed(`${bytes.length} bytes for the signs of ${n} values`);
      const size = new Float64Array(1);
      readFloats(bytes.subarray(0, floatBytes), size, floatBytes);
      const values = Float64Array.of(size[0]!, -size[0]!);
      for (let i = 0; i < n; i++) out[i] = values[(bytes[floatBytes + (i >>> 3)]! >>> (7 - (i & 7))) & 1]!;
    },
    largest: signBytes,
  };
}

function signBytes(n: number, floatBytes: FloatBytes): number {
  return floatBytes + Math.ceil(n / 8);
}
