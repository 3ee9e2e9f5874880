import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";

/** Values as they are: what the end of a chain does where nothing quantises them. */
export const plainFloats: Compressor = {
  traits: { linear: true, unbiased: true, contractive: true, sharesDraws: false },
  encode: (vector, { floatBytes }) => writeFloats(vector, floatBytes),
  decode: (bytes, n, { floatBytes }) => readFloats(bytes, n, floatBytes),
  largest: (n, floatBytes) => n * floatBytes,
};

/** Values as little-endian floats. */
export function writeFloats(values: Float64Array, floatBytes: FloatBytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * floatBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    if (floatBytes === 4) view.setFloat32(4 * i, values[i]!, true);
    else view.setFloat64(8 * i, values[i]!, true);
  }
  return bytes;
}

/** The inverse of `writeFloats`. Throws `update/codec` where the length is another one. */
export function readFloats(bytes: Uint8Array, n: number, floatBytes: FloatBytes): Float64Array {
  if (bytes.length !== n * floatBytes) {
    throw malformed(`it has ${bytes.length} bytes, ${n} values need ${n * floatBytes}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    values[i] = floatBytes === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true);
  }
  return values;
}
