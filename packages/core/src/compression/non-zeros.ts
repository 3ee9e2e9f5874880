import { malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";
import { placeEntries } from "./rand-k.ts";

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
      const bitmap = new Uint8Array(Math.ceil(vector.length / 8));
      for (let i = 0; i < vector.length; i++) if (vector[i] !== 0) bitmap[i >>> 3]! |= 128 >>> (i & 7);
      const values = writeFloats(
        vector.filter((value) => value !== 0),
        floatBytes,
      );
      const bytes = new Uint8Array(bitmap.length + values.length);
      bytes.set(bitmap);
      bytes.set(values, bitmap.length);
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      const head = Math.ceil(n / 8);
      if (bytes.length < head) throw malformed("it is shorter than its bitmap");
      const present: number[] = [];
      for (let i = 0; i < 8 * head; i++) if ((bytes[i >>> 3]! & (128 >>> (i & 7))) !== 0) present.push(i);
      if ((present.at(-1) ?? -1) >= n) throw malformed("its bitmap has more positions than entries");
      const values = new Float64Array(present.length);
      readFloats(bytes.subarray(head), values, floatBytes);
      placeEntries(values, present, out);
    },
    largest: (n, floatBytes) => Math.ceil(n / 8) + n * floatBytes,
  };
}
