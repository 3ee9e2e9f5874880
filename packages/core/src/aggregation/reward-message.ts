import {
  type FloatBytes,
  malformed,
  positionBytes,
  readFloats,
  readPositions,
  writeFloats,
  writePositions,
} from "../compression/index.ts";
import type { Vector } from "../params/vector.ts";

/** Bytes of the number of entries of a layer. */
const COUNT_BYTES = 4;

/**
 * Bytes of some entries of a vector: of each layer how many there are, their values and their places.
 *
 * @param layers lengths of the layers, which lie one after the other in the vector
 * @param places within each layer, ascending
 */
export function encodeReward(
  values: Vector,
  layers: readonly number[],
  places: readonly Uint32Array[],
): Uint8Array<ArrayBuffer> {
  const floatBytes = values.BYTES_PER_ELEMENT as FloatBytes;
  let begin = 0;
  const parts = layers.flatMap((length, l) => {
    const kept = places[l]!;
    const count = new Uint8Array(COUNT_BYTES);
    new DataView(count.buffer).setUint32(0, kept.length, true);
    const entries = Float64Array.from(kept, (i) => values[begin + i]!);
    begin += length;
    return [count, writeFloats(entries, floatBytes), writePositions(kept, length)];
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The vector of a message, with zeros where it has no entries. Throws `update/codec` for bytes that were not written so. */
export function decodeReward(bytes: Uint8Array, layers: readonly number[], floatBytes: FloatBytes): Float64Array {
  const values = new Float64Array(layers.reduce((a, b) => a + b, 0));
  let [at, begin] = [0, 0];
  const take = (length: number) => {
    at += length;
    if (at > bytes.length) throw malformed("the message of a reward ends too early");
    return bytes.subarray(at - length, at);
  };
  for (const length of layers) {
    const head = take(COUNT_BYTES);
    const count = new DataView(head.buffer, head.byteOffset, COUNT_BYTES).getUint32(0, true);
    if (count > length) throw malformed(`it has ${count} entries for a layer of ${length}`);
    const entries = new Float64Array(count);
    readFloats(take(count * floatBytes), entries, floatBytes);
    const places = readPositions(take(positionBytes(count, length)), count, length);
    for (const [k, place] of places.entries()) values[begin + place] = entries[k]!;
    begin += length;
  }
  if (at < bytes.length) throw malformed("bytes follow the message of a reward");
  return values;
}
