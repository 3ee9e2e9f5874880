import { AnabranchError } from "@anabranch/engine";
import { gunzipAtMost, UnpackedTooLarge } from "./inflate.ts";
import { readerLimits, requireAtMost, tooLarge } from "./limits.ts";

/** A header of 10 bytes, an empty block of 2, a trailer of 8. */
const SHORTEST = 20;
/** Bytes that one byte of deflate can become: a match of 258 bytes takes two bits. */
const MOST_EXPANSION = 1032;

const cutOrTooLarge =
  "Use a part of the data set. If the file should be smaller than that, it was cut off: fetch it again.";

/**
 * The contents of a gzip file, or the bytes themselves where they are not gzip.
 *
 * @param where the file, for errors
 * @param most bytes that it may unpack to
 * @throws `data/gzip` where the file is damaged, `data/too-large`
 * @example
 * ```ts
 * import { gunzip } from "@anabranch/core";
 * const packed = Uint8Array.from(atob("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), (c) => c.charCodeAt(0));
 * new TextDecoder().decode(gunzip(packed, "hello.gz")); // => "hello"
 * ```
 */
export function gunzip(bytes: Uint8Array, where: string, most: number = readerLimits.unpackedBytes): Uint8Array {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return bytes;
  if (bytes.length < SHORTEST) throw damaged(where, "unexpected EOF");
  // The last four bytes are the length that the last member claims: an honest bomb is refused before it is unpacked.
  const claimed = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
  if (claimed > MOST_EXPANSION * bytes.length) throw damaged(where, `${bytes.length} bytes for ${claimed}`);
  requireAtMost(most, claimed, "bytes when unpacked", where, cutOrTooLarge);
  try {
    return gunzipAtMost(bytes, most);
  } catch (cause) {
    if (cause instanceof UnpackedTooLarge) throw tooLarge(most, `${cause.message} when unpacked`, where);
    throw damaged(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function damaged(where: string, received: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "data/gzip",
    message: "a gzip file cannot be unpacked",
    where,
    received,
    advice: "The file is damaged or incomplete: fetch it again.",
    cause,
  });
}
