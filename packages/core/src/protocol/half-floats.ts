const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** The value of a bfloat16: the upper half of the bits of a float32. */
export function brainFloat(bits: number): number {
  words[0] = bits << 16;
  return floats[0]!;
}

/** The value of an IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 bits of significand. */
export function halfFloat(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const significand = bits & 0x3ff;
  if (exponent === 0x1f) return significand === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * significand * 2 ** -24;
  return sign * (1024 + significand) * 2 ** (exponent - 25);
}
