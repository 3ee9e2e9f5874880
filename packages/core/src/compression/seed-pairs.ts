import { malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";

/**
 * Numbers of seeds and a value for each: a vector of n picks from 0 to pool - 1 and then n values. Picks take 2 bytes, in a
 * pool of more than 65,536 seeds 4; values travel as they are. Lossless.
 *
 * @param pool number of seeds
 */
export function seedPairs(pool: number): Compressor {
  const width = pool > 65_536 ? 4 : 2;
  return {
    traits: { linear: false, unbiased: true, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const n = vector.length / 2;
      const values = writeFloats(vector.subarray(n), floatBytes);
      const bytes = new Uint8Array(n * width + values.length);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < n; i++) {
        if (width === 2) view.setUint16(2 * i, vector[i]!, true);
        else view.setUint32(4 * i, vector[i]!, true);
      }
      bytes.set(values, n * width);
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length / 2;
      const expected = n * (width + floatBytes);
      if (bytes.length !== expected) throw malformed(`it has ${bytes.length} bytes, ${n} pairs need ${expected}`);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < n; i++) {
        const pick = width === 2 ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true);
        if (pick >= pool) throw malformed(`the seed ${pick} is not among ${pool}`);
        out[i] = pick;
      }
      readFloats(bytes.subarray(n * width), out.subarray(n), floatBytes);
    },
    largest: (length, floatBytes) => (length / 2) * (width + floatBytes),
  };
}
