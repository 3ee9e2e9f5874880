import { malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { CHUNK, DRAWS, kernelsFor, putValues, RESULTS, VALUES } from "./kernels.ts";

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
      const n = vector.length;
      const bytes = new Uint8Array(9 * Math.ceil(n / 8));
      const kernels = kernelsFor(vector);
      const buffer = kernels?.memory.buffer;
      const words = buffer === undefined ? new Uint32Array(Math.min(CHUNK, n)) : new Uint32Array(buffer, DRAWS, CHUNK);
      const codes = new Uint16Array(8 * Math.ceil(words.length / 8));
      for (let begin = 0, at = 0; begin < n; begin += CHUNK, at += (CHUNK / 8) * 9) {
        const part = vector.subarray(begin, begin + CHUNK);
        stream.uint32s(words.subarray(0, part.length));
        if (kernels !== undefined) {
          putValues(kernels, part);
          kernels.powers(4 * part.length);
          bytes.set(new Uint8Array(kernels.memory.buffer, RESULTS, 9 * Math.ceil(part.length / 8)), at);
        } else {
          for (let i = 0; i < part.length; i++) codes[i] = codeOf(part[i]!, words[i]! * 2 ** -32);
          codes.fill(0, part.length);
          pack(codes, part.length, new DataView(bytes.buffer, at));
        }
      }
      return bytes.subarray(0, bytesOf(n));
    },
    decode(bytes, out) {
      const n = out.length;
      if (bytes.length !== bytesOf(n)) throw malformed(`${bytes.length} bytes for ${n} values of nine bits`);
      if (n % 8 > 0 && (bytes.at(-1)! << (n % 8)) & 255) throw malformed("the padding is not zero");
      const kernels = kernelsFor(out);
      const codes = new Uint16Array(CHUNK);
      const packed =
        kernels === undefined ? new Uint8Array(CODE_BYTES) : new Uint8Array(kernels.memory.buffer, RESULTS, CODE_BYTES);
      for (let begin = 0, at = 0; begin < n; begin += CHUNK, at += CODE_BYTES) {
        const part = out.subarray(begin, begin + CHUNK);
        packed.set(bytes.subarray(at, at + CODE_BYTES));
        if (kernels !== undefined) {
          kernels.fromPowers(4 * part.length);
          part.set(new Float32Array(kernels.memory.buffer, VALUES, part.length));
        } else {
          unpack(new DataView(packed.buffer), part.length, codes);
          for (let i = 0; i < part.length; i++) part[i] = POWERS[codes[i]!]!;
        }
      }
    },
    largest: bytesOf,
  };
}

/** Bytes of n codes of nine bits. */
function bytesOf(n: number): number {
  return Math.ceil((9 * n) / 8);
}

/** Writes codes, eight of them to nine bytes. */
function pack(codes: Uint16Array, n: number, to: DataView): void {
  for (let i = 0, at = 0; i < n; i += 8, at += 9) {
    const [fourth, last] = [codes[i + 3]!, codes[i + 7]!];
    to.setInt32(at, (codes[i]! << 23) | (codes[i + 1]! << 14) | (codes[i + 2]! << 5) | (fourth >>> 4));
    const middle = (codes[i + 4]! << 19) | (codes[i + 5]! << 10) | (codes[i + 6]! << 1);
    to.setInt32(at + 4, (fourth << 28) | middle | (last >>> 8));
    to.setUint8(at + 8, last);
  }
}

/** Reads n codes that `pack` wrote, n a multiple of 8. */
function unpack(from: DataView, n: number, codes: Uint16Array): void {
  for (let i = 0, at = 0; i < n; i += 8, at += 9) {
    const [a, b] = [from.getInt32(at), from.getInt32(at + 4)];
    codes[i] = a >>> 23;
    codes[i + 1] = (a >>> 14) & 511;
    codes[i + 2] = (a >>> 5) & 511;
    codes[i + 3] = ((a << 4) | (b >>> 28)) & 511;
    codes[i + 4] = (b >>> 19) & 511;
    codes[i + 5] = (b >>> 10) & 511;
    codes[i + 6] = (b >>> 1) & 511;
    codes[i + 7] = ((b << 8) | from.getUint8(at + 8)) & 511;
  }
}

/** Bytes of `CHUNK` codes. */
const CODE_BYTES = (CHUNK / 8) * 9;
/** The bit of the sign. */
const NEGATIVE = 256;
/** Value of each code: 0, then powers of two, then their negatives. */
const POWERS = Float64Array.from({ length: 512 }, (_, code) => {
  const size = code % NEGATIVE === 0 ? 0 : 2 ** ((code % NEGATIVE) - 1 + LOWEST);
  return code < NEGATIVE ? size : -size;
});
const SMALLEST = POWERS[1]!;

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
