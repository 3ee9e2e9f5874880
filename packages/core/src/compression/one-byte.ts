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
  if (!Number.isFinite(value) || value === 0) return 0;
  const size = Math.abs(value);
  let [level, above] = [0, 128];
  while (above - level > 1) {
    const middle = (level + above) >>> 1;
    if (size >= LOWEST[middle]!) level = middle;
    else above = middle;
  }
  return level === 0 ? 0 : level + (value < 0 ? 128 : 0);
}

/** The number of a byte: exp((level - 64) / 8) with its sign. */
export function fromByte(byte: number): number {
  const level = byte & 127;
  if (level === 0) return 0;
  return (byte < 128 ? 1 : -1) * SIZES[level]!;
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
      for (let i = 0; i < bytes.length; i++) bytes[i] = toByte(vector[i]!);
      return bytes;
    },
    decode(bytes, out) {
      const n = out.length;
      if (bytes.length !== n) throw malformed(`it has ${bytes.length} bytes, ${n} values need ${n}`);
      for (let i = 0; i < n; i++) out[i] = fromByte(bytes[i]!);
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

/** Size of each level, and the smallest number that becomes it. */
const SIZES = Float64Array.from({ length: 128 }, (_, level) => powerOf(2 * (level - 64)));
const LOWEST = Float64Array.from({ length: 128 }, (_, level) => powerOf(2 * (level - 64) - 1));
