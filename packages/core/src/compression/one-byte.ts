import { malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";

/**
 * A number in one byte: its sign and the logarithm of its size in steps of an eighth. 0 and what is below e^(-63/8) become
 * byte 0; what is above e^(63/8) becomes the largest.
 * The scalars of "Just One Byte (per gradient): A Note on Low-Bandwidth Decentralized Language Model Finetuning Using Shared
 * Randomness", E. Zelikman, Q. Huang, P. Liang, N. Haber, N. D. Goodman, 2023. https://arxiv.org/abs/2306.10015
 *
 * @example fromByte(toByte(0.155)) // 0.153354966...
 */
export function toByte(value: number): number {
  VALUES[0] = value;
  return byteAt(0);
}

/** The number of a byte: exp((level - 64) / 8) with its sign. */
export function fromByte(byte: number): number {
  return NUMBERS[byte & 255]!;
}

/**
 * Each value in one byte, off by 6.5 % at most. Values beyond e^(63.5/8) are sent as e^(63/8), about 2,600, and what is below
 * e^(-63.5/8), about 0.00036, as 0.
 */
export function oneByte(): Compressor {
  return {
    traits: { linear: false, unbiased: false, contractive: true, sharesDraws: false },
    encode(vector) {
      const bytes = new Uint8Array(vector.length);
      for (let begin = 0; begin < bytes.length; begin += CHUNK) {
        const part = vector.subarray(begin, begin + CHUNK);
        VALUES.set(part);
        for (let i = 0; i < part.length; i++) bytes[begin + i] = byteAt(i);
      }
      return bytes;
    },
    decode(bytes, out) {
      const n = out.length;
      if (bytes.length !== n) throw malformed(`it has ${bytes.length} bytes, ${n} values need ${n}`);
      for (let i = 0; i < n; i++) out[i] = NUMBERS[bytes[i]!]!;
    },
    largest: (n) => n,
  };
}

/** e^(1/16). */
const STEP = 1.0644944589178595;

/**
 * e^(k / 16) by multiplications alone: they have the same bits everywhere, which Math.exp and Math.log have not. Relative
 * error below 2e-14.
 */
function powerOf(k: number): number {
  let power = 1;
  for (let i = 0; i < Math.abs(k); i++) power *= STEP;
  return k < 0 ? 1 / power : power;
}

/** The smallest number that becomes a level. */
const LOWEST = Float64Array.from({ length: 129 }, (_, level) =>
  level < 128 ? powerOf(2 * (level - 64) - 1) : Number.POSITIVE_INFINITY,
);
/** The number of each byte. */
const NUMBERS = Float64Array.from({ length: 256 }, (_, byte) => {
  const level = byte & 127;
  return level === 0 ? 0 : (byte < 128 ? 1 : -1) * powerOf(2 * (level - 64));
});

/** Values that are encoded at a time. */
const CHUNK = 4096;
const VALUES = new Float64Array(CHUNK);
/** Their words; the upper one comes last. */
const WORDS = new Uint32Array(VALUES.buffer);
/** Upper 16 bits of an absolute double that is not finite. */
const INFINITE = 0x7ff0;

/** The level of the least double with these upper 16 bits; those with the same bits have it or the next one. */
const LEVELS = new Uint8Array(INFINITE);
for (let bits = 0, level = 0; bits < INFINITE; bits++) {
  WORDS[1] = bits << 16;
  while (VALUES[0]! >= LOWEST[level + 1]!) level++;
  LEVELS[bits] = level;
}

/** The byte of the value at a place of `VALUES`. */
function byteAt(i: number): number {
  const upper = WORDS[2 * i + 1]!;
  const bits = (upper >>> 16) & 0x7fff;
  if (bits >= INFINITE) return 0;
  let level = LEVELS[bits]!;
  if (Math.abs(VALUES[i]!) >= LOWEST[level + 1]!) level++;
  return level === 0 ? 0 : level | ((upper >>> 24) & 128);
}
