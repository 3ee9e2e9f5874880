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
  const level = Math.floor(8 * Math.log(Math.abs(value)) + 64 + 0.5);
  return level < 1 ? 0 : Math.min(level, 127) + (value < 0 ? 128 : 0);
}

/** The number of a byte: exp((level - 64) / 8) with its sign. */
export function fromByte(byte: number): number {
  const level = byte & 127;
  if (level === 0) return 0;
  return (byte < 128 ? 1 : -1) * Math.exp((level - 64) / 8);
}
