/**
 * Bytes as base64, as control messages carry keys and signatures.
 *
 * @example
 * ```ts
 * import { toBase64 } from "@anabranch/core/live";
 * toBase64(Uint8Array.of(1, 2, 3)); // => "AQID"
 * ```
 */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * The bytes of a base64 text; undefined where it is none.
 *
 * @example
 * ```ts
 * import { fromBase64 } from "@anabranch/core/live";
 * fromBase64("AQID"); // => [1, 2, 3]
 * fromBase64("no base64!"); // => undefined
 * ```
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
