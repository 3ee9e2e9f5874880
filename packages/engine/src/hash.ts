/**
 * 64-bit content hash of bytes as 16 hex digits (two 32-bit lanes, murmur-style mixing). For identity, not for security.
 *
 * @example
 * ```ts
 * import { hashBytes } from "@anabranch/engine";
 * hashBytes(Uint8Array.of(1, 2, 3)); // => "459ce8b5c46948eb"
 * ```
 */
export function hashBytes(bytes: Uint8Array): string {
  let a = 0x9e3779b9 ^ bytes.length;
  let b = 0x85ebca6b ^ bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = bytes.length >>> 2;
  for (let i = 0; i < words; i++) {
    const word = view.getUint32(i * 4, true);
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b + word, 0x1b873593) ^ (b >>> 13);
  }
  for (let i = words * 4; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i]!, 0xcc9e2d51);
    b = Math.imul(b + bytes[i]!, 0x1b873593) ^ (b >>> 13);
  }
  return finish(a ^ (b >>> 16)) + finish(b ^ (a << 7));
}

/**
 * Hash of a text.
 *
 * @example
 * ```ts
 * import { hashText } from "@anabranch/engine";
 * hashText("abc"); // => "31b95b1116cf539d"
 * ```
 */
export function hashText(text: string): string {
  return hashBytes(new TextEncoder().encode(text));
}

function finish(lane: number): string {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, "0");
}
