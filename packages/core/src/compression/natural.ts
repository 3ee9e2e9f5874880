import { malformed } from "./bits.ts";
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
      const n = vector.length;
      const bytes = new Uint8Array(9 * Math.ceil(n / 8));
      const uniforms = new Float64Array(Math.min(CHUNK, n));
      const codes = new Uint16Array(8 * Math.ceil(uniforms.length / 8));
      for (let begin = 0; begin < n; begin += CHUNK) {
        const part = vector.subarray(begin, begin + CHUNK);
        const drawn = uniforms.subarray(0, part.length);
        stream.floats(drawn);
        if (part instanceof Float32Array) writeSingleCodes(codes, part, drawn);
        else for (let i = 0; i < part.length; i++) codes[i] = codeOf(part[i]!, drawn[i]!);
        codes.fill(0, part.length);
        pack(codes, part.length, new DataView(bytes.buffer, (begin / 8) * 9));
      }
      return bytes.subarray(0, bytesOf(n));
    },
    decode(bytes, out) {
      const n = out.length;
      if (bytes.length !== bytesOf(n)) throw malformed(`${bytes.length} bytes for ${n} values of nine bits`);
      const codes = new Uint16Array(CHUNK);
      const last = new Uint8Array(9);
      for (let begin = 0, at = 0; begin < n; begin += CHUNK, at += (CHUNK / 8) * 9) {
        const part = out.subarray(begin, begin + CHUNK);
        const whole = part.length - (part.length % 8);
        unpack(new DataView(bytes.buffer, bytes.byteOffset + at), whole, codes);
        if (whole < part.length) {
          last.set(bytes.subarray(at + (whole / 8) * 9));
          unpack(new DataView(last.buffer), 8, codes.subarray(whole));
          if (codes[part.length] !== 0) throw malformed("the padding is not zero");
        }
        if (part instanceof Float32Array) placeSingleCodes(part, codes);
        else for (let i = 0; i < part.length; i++) part[i] = VALUES[codes[i]!]!;
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

/** Values of which the draws are made at a time. */
const CHUNK = 4096;
/** The bit of the sign. */
const NEGATIVE = 256;
/** Value of each code: 0, then powers of two, then their negatives. */
const VALUES = Float64Array.from({ length: 512 }, (_, code) => {
  const size = code % NEGATIVE === 0 ? 0 : 2 ** ((code % NEGATIVE) - 1 + LOWEST);
  return code < NEGATIVE ? size : -size;
});
const SMALLEST = VALUES[1]!;

/**
 * The codes of float32, as `codeOf` has them: the code of a power of two is its exponent as a float32 has it, and what is
 * too small has the exponent 0.
 */
function writeSingleCodes(codes: Uint16Array, values: Float32Array, uniforms: Float64Array): void {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const drawn = (uniforms[i]! * 2 ** 23) | 0;
    const code = ((word >>> 23) & 255) + ((drawn - (word & 0x7fffff)) >>> 31);
    const sign = (word >>> 31) << 8;
    codes[i] = code === 0 ? 0 : sign | Math.min(code, HIGHEST - LOWEST + 1);
  }
}

/** The float32 of the codes, whose bits they are. */
function placeSingleCodes(out: Float32Array, codes: Uint16Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < words.length; i++) words[i] = codes[i]! << 23;
}

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
