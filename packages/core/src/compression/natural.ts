import { BitReader, BitWriter } from "./bits.ts";
import type { Compressor } from "./compressor.ts";

const LOWEST = -126;
const HIGHEST = 127;

/**
 * Natural compression: each value rounded at random to one of the two nearest powers of two, so that the mean is the value.
 * Nine bits per value: sign and exponent. Unbiased between 2^-126 and 2^127; what is larger becomes 2^127.
 * S. Horvath, C.-Y. Ho, L. Horvath, A. N. Sahu, M. Canini, P. Richtarik, "Natural Compression for Distributed Deep
 * Learning", 2019. https://arxiv.org/abs/1905.10988
 */
export function natural(): Compressor {
  return {
    traits: { linear: false, unbiased: true, contractive: true, sharesDraws: false },
    encode(vector, { stream }) {
      const writer = new BitWriter();
      for (const value of vector) {
        const rounded = toPowerOfTwo(value, stream.float());
        writer.write(rounded < 0 ? 1 : 0, 1);
        writer.write(rounded === 0 ? 0 : exponentOf(Math.abs(rounded)) - LOWEST + 1, 8);
      }
      return writer.finish();
    },
    decode(bytes, n) {
      const reader = new BitReader(bytes);
      const vector = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const sign = reader.read(1) === 1 ? -1 : 1;
        const code = reader.read(8);
        vector[i] = code === 0 ? 0 : sign * 2 ** (code - 1 + LOWEST);
      }
      reader.end();
      return vector;
    },
    largest: (n) => Math.ceil((9 * n) / 8),
  };
}

/** 2^(e+1) if u < f - 1, else 2^e, with |value| = 2^e f and 1 <= f < 2; 0 stays 0. */
export function toPowerOfTwo(value: number, u: number): number {
  const size = Math.abs(value);
  if (size === 0) return 0;
  const smallest = 2 ** LOWEST;
  if (size < smallest) return u < size / smallest ? Math.sign(value) * smallest : 0;
  const e = exponentOf(size);
  const power = e + (u < size / 2 ** e - 1 ? 1 : 0);
  return Math.sign(value) * 2 ** Math.min(power, HIGHEST);
}

const scratch = new DataView(new ArrayBuffer(8));

/** floor(log2 x) of a normal float64, from its bits. */
function exponentOf(x: number): number {
  scratch.setFloat64(0, x);
  return ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023;
}
