import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** The platform hashes ten times as fast, but on another thread: for fewer bytes the way there costs more than it saves. */
const FEW_BYTES = 65_536;

/**
 * SHA-256 of bytes, lower-case hexadecimal.
 *
 * @example
 * ```ts
 * import { contentHashOf } from "@anabranch/core/live";
 * (await contentHashOf(Uint8Array.of(1, 2, 3))).slice(0, 8); // => "039058c6"
 * ```
 */
export async function contentHashOf(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto;
  // browsers have it in secure contexts alone
  if (subtle === undefined || bytes.byteLength < FEW_BYTES) return bytesToHex(sha256(bytes));
  const plain = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  return bytesToHex(new Uint8Array(await subtle.digest("SHA-256", plain)));
}

/** The same at once, which blocks the thread: for what is hashed once. */
export function contentHashNow(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/**
 * Where the blob with a hash lies in a store.
 *
 * @example
 * ```ts
 * import { blobName } from "@anabranch/core/live";
 * blobName("039058c6"); // => "blobs/039058c6"
 * ```
 */
export function blobName(hash: string): string {
  return `blobs/${hash}`;
}
