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
      const uniforms = new Float64Array(Math.min(CHUNK, vector.length));
      for (let begin = 0; begin < vector.length; begin += CHUNK) {
        const end = Math.min(begin + CHUNK, vector.length);
        stream.floats(uniforms.subarray(0, end - begin));
        for (let i = begin; i < end; i++) writer.write(codeOf(vector[i]!, uniforms[i - begin]!), 9);
      }
      return writer.finish();
    },
    decode(bytes, out) {
      const reader = new BitReader(bytes);
      for (let i = 0; i < out.length; i++) {
        const code = reader.read(9);
        out[i] = code < NEGATIVE ? SIZES[code]! : -SIZES[code - NEGATIVE]!;
      }
      reader.end();
    },
    largest: (n) => Math.ceil((9 * n) / 8),
  };
}

/** Values of which the draws are made at a time. */
const CHUNK = 4096;
/** Size of each code: 0, then powers of two. */
const SIZES = Float64Array.from({ length: 256 }, (_, code) => (code === 0 ? 0 : 2 ** (code - 1 + LOWEST)));
const SMALLEST = SIZES[1]!;
/** The bit of the sign. */
const NEGATIVE = 256;

const scratch = new Float64Array(1);
/** Its words; the upper one comes last. */
const words = new Uint32Array(scratch.buffer);

/**
 * The code of 2^(e+1) if u < f - 1, else of 2^e, with |value| = 2^e f and 1 <= f < 2; the bit above it is the sign. What is
 * too small is a power of two or 0, which has no sign.
 */
function codeOf(value: number, u: number): number {
  const size = Math.abs(value);
  if (size < SMALLEST) return u < size / SMALLEST ? (value < 0 ? NEGATIVE + 1 : 1) : 0;
  scratch[0] = value;
  const upper = words[1]!;
  const fraction = ((upper & 0xfffff) * 2 ** 32 + words[0]!) * 2 ** -52;
  const power = ((upper >>> 20) & 0x7ff) - 1023 + (u < fraction ? 1 : 0);
  return ((upper >>> 31) * NEGATIVE) | (Math.min(power, HIGHEST) - LOWEST + 1);
}
