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
  const indices = new Uint32Array(k);
  if (usesBitmap(k, n)) {
    let at = 0;
    for (let i = 0; i < 8 * bytes.length; i++) {
      if ((bytes[i >>> 3]! & (128 >>> (i & 7))) === 0) continue;
      if (i >= n || at === k) throw malformed("its bitmap has more positions than entries");
      indices[at++] = i;
    }
    if (at < k) throw malformed(`its bitmap has ${at} positions for ${k} entries`);
    return indices;
  }
  const reader = new BitReader(bytes);
  const width = indexBits(n);
  for (let i = 0; i < k; i++) {
    indices[i] = reader.read(width);
    if (indices[i]! >= n) throw malformed(`the index ${indices[i]} lies outside ${n} entries`);
    if (i > 0 && indices[i]! <= indices[i - 1]!) throw malformed("its indices do not ascend");
  }
  reader.end();
  return indices;
}

/** Of equal lengths the bitmap, which is quicker to read. */
function usesBitmap(k: number, n: number): boolean {
  return Math.ceil(n / 8) <= Math.ceil((k * indexBits(n)) / 8);
}

export function positionBytes(k: number, n: number): number {
  return Math.min(Math.ceil((k * indexBits(n)) / 8), Math.ceil(n / 8));
}
