import { BitReader, BitWriter, indexBits, malformed } from "./bits.ts";

/**
 * Positions of k of n entries, as indices of ceil(log2 n) bits or as a bitmap, whichever is shorter. k is not in them, as
 * both sides know it: min(ceil(kw / 8), ceil(n / 8)) bytes.
 */
export function writePositions(indices: ArrayLike<number>, n: number): Uint8Array {
  const width = indexBits(n);
  if (usesBitmap(indices.length, n)) {
    const bitmap = new Uint8Array(Math.ceil(n / 8));
    for (let i = 0; i < indices.length; i++) bitmap[indices[i]! >>> 3]! |= 128 >>> (indices[i]! & 7);
    return bitmap;
  }
  const writer = new BitWriter();
  for (let i = 0; i < indices.length; i++) writer.write(indices[i]!, width);
  return writer.finish();
}

/** The inverse. Throws `update/codec`: wrong length, or indices that repeat, descend or lie outside. */
export function readPositions(bytes: Uint8Array, k: number, n: number): Uint32Array {
  const expected = positionBytes(k, n);
  if (bytes.length !== expected) throw malformed(`positions of ${k} of ${n} entries need ${expected} bytes`);
  if (usesBitmap(k, n)) {
    const found = bitmapPositions(bytes, n);
    if (found.length !== k) throw malformed(`its bitmap has ${found.length} positions for ${k} entries`);
    return found;
  }
  const reader = new BitReader(bytes);
  const indices = new Uint32Array(k);
  const width = indexBits(n);
  for (let i = 0; i < k; i++) {
    indices[i] = reader.read(width);
    if (indices[i]! >= n) throw malformed(`the index ${indices[i]} lies outside ${n} entries`);
    if (i > 0 && indices[i]! <= indices[i - 1]!) throw malformed("its indices do not ascend");
  }
  reader.end();
  return indices;
}

/** The bits of a bitmap of n entries that are set, the highest bit of a byte first. Throws `update/codec` for one beyond n. */
export function bitmapPositions(bitmap: Uint8Array, n: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(bitmap.length / 4));
  const view = new DataView(bitmap.buffer, bitmap.byteOffset, bitmap.length);
  const whole = bitmap.length >>> 2;
  for (let w = 0; w < whole; w++) words[w] = view.getUint32(4 * w);
  for (let i = 4 * whole; i < bitmap.length; i++) words[whole]! |= bitmap[i]! << (24 - 8 * (i & 3));
  return wordPositions(words, n);
}

/** The same of words, the highest bit of a word first. */
export function wordPositions(words: Uint32Array, n: number): Uint32Array {
  let count = 0;
  for (let w = 0; w < words.length; w++) count += onesIn(words[w]!);
  const positions = new Uint32Array(count);
  for (let w = 0, at = 0; at < count; w++) {
    for (let word = words[w]!; word !== 0; ) {
      const bit = Math.clz32(word);
      positions[at++] = 32 * w + bit;
      word &= ~(0x80000000 >>> bit);
    }
  }
  if (count > 0 && positions[count - 1]! >= n) throw malformed("its bitmap has more positions than entries");
  return positions;
}

function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Of equal lengths the bitmap, which is quicker to read. */
function usesBitmap(k: number, n: number): boolean {
  return Math.ceil(n / 8) <= Math.ceil((k * indexBits(n)) / 8);
}

export function positionBytes(k: number, n: number): number {
  return Math.min(Math.ceil((k * indexBits(n)) / 8), Math.ceil(n / 8));
}
