import { refuse } from "./refusal.ts";

/** Bytes of `count` values of `bits` bits each, packed without gaps. */
export function packedBytes(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8);
}

/** Writes the low `bits` (1 to 32) bits of each value one after the other, lowest bit first. */
export function packBits(values: Int32Array | Uint32Array, bits: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil((values.length * bits) / 32));
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  let word = 0;
  let filled = 0;
  let next = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]! & mask;
    word |= value << filled;
    filled += bits;
    if (filled >= 32) {
      words[next++] = word;
      filled -= 32;
      word = filled === 0 ? 0 : value >>> (bits - filled);
    }
  }
  if (filled > 0) words[next] = word;
  return new Uint8Array(words.buffer, 0, packedBytes(values.length, bits));
}

/** Undoes `packBits`; refuses (`malformed`) another length and spare bits that are not 0. */
export function unpackBits(bytes: Uint8Array, count: number, bits: number, where: string): Uint32Array<ArrayBuffer> {
  if (bytes.length !== packedBytes(count, bits)) {
    refuse("malformed", "a packed vector has a wrong length", {
      where,
      received: `${bytes.length} bytes`,
      expected: `${packedBytes(count, bits)} bytes`,
    });
  }
  const words = new Uint32Array(Math.ceil((count * bits) / 32));
  new Uint8Array(words.buffer).set(bytes);
  const spare = 8 * bytes.length - count * bits;
  if (spare > 0 && bytes[bytes.length - 1]! >>> (8 - spare) !== 0) {
    refuse("malformed", "the spare bits of a packed vector are not zero", { where });
  }
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  const values = new Uint32Array(count);
  let at = 0;
  let next = 0;
  for (let i = 0; i < count; i++) {
    let value = words[next]! >>> at;
    at += bits;
    if (at >= 32) {
      next++;
      at -= 32;
      if (at > 0) value |= words[next]! << (bits - at);
    }
    values[i] = value & mask;
  }
  return values;
}
