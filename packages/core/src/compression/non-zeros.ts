import type { Vector } from "../params/index.ts";
import { malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";
import { keepEntries, placeEntries } from "./rand-k.ts";
import { bitmapPositions } from "./sparse.ts";

/**
 * The entries that are not 0 and a bitmap of where they are: for vectors that are mostly 0 on their own. Lossless but for
 * the sign of a zero.
 *
 * @example compressorOf([{ name: "non-zeros" }]) // 4 bytes for each entry that is not 0, one bit for each entry
 */
export function nonZeros(): Compressor {
  return {
    traits: { linear: false, unbiased: true, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const positions = nonZeroPositions(vector);
      const values = writeFloats(keepEntries(vector, positions, false), floatBytes);
      const head = Math.ceil(vector.length / 8);
      const bytes = new Uint8Array(head + values.length);
      for (let i = 0; i < positions.length; i++) bytes[positions[i]! >>> 3]! |= 128 >>> (positions[i]! & 7);
      bytes.set(values, head);
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const head = Math.ceil(out.length / 8);
      if (bytes.length < head) throw malformed("it is shorter than its bitmap");
      const positions = bitmapPositions(bytes.subarray(0, head), out.length);
      const values = new Float64Array(positions.length);
      readFloats(bytes.subarray(head), values, floatBytes);
      placeEntries(values, positions, out);
    },
    largest: (n, floatBytes) => Math.ceil(n / 8) + n * floatBytes,
  };
}

/** Positions of the entries that are not 0, ascending. */
function nonZeroPositions(vector: Vector): Uint32Array {
  const positions = new Uint32Array(vector.length);
  let count = 0;
  for (let i = 0; i < vector.length; i++) {
    positions[count] = i;
    count += vector[i] === 0 ? 0 : 1;
  }
  return positions.subarray(0, count);
}
