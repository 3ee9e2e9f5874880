import type { Vector } from "../params/index.ts";
import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";

/** Values as they are: what the end of a chain does where nothing quantises them. */
export const plainFloats: Compressor = {
  traits: { linear: true, unbiased: true, contractive: true, sharesDraws: false },
  encode: (vector, { floatBytes }) => writeFloats(vector, floatBytes),
  decode: (bytes, out, { floatBytes }) => readFloats(bytes, out, floatBytes),
  largest: (n, floatBytes) => n * floatBytes,
};

/** Values as little-endian floats. */
export function writeFloats(values: Vector, floatBytes: FloatBytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * floatBytes);
  const view = new DataView(bytes.buffer);
  if (floatBytes === 4) for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i]!, true);
  else for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i]!, true);
  return bytes;
}

/** The inverse of `writeFloats`, to `out`. Throws `update/codec` where the length is another one. */
export function readFloats(bytes: Uint8Array, out: Vector, floatBytes: FloatBytes): void {
  const n = out.length;
  if (bytes.length !== n * floatBytes) {
    throw malformed(`it has ${bytes.length} bytes, ${n} values need ${n * floatBytes}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (floatBytes === 4) for (let i = 0; i < n; i++) out[i] = view.getFloat32(4 * i, true);
  else for (let i = 0; i < n; i++) out[i] = view.getFloat64(8 * i, true);
}
