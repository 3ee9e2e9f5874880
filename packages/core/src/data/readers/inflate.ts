import { Gunzip, Unzlib, unzlibSync } from "fflate";

/** Compressed bytes given to the decompressor at a time: they unpack to 64 MiB at most. */
const STEP_BYTES = 65_536;

/** Thrown where a stream unpacks to more than the caller allows. */
export class UnpackedTooLarge extends Error {}

/**
 * Unpacks a zlib stream whose unpacked length is known, as in PNG.
 *
 * @throws Error where the stream is damaged or its length is another one
 */
export function inflateExactly(bytes: Uint8Array, length: number): Uint8Array {
  // Where the input is short, a buffer of the right size bounds memory, and the input's length bounds time.
  const unpacked =
    bytes.length <= STEP_BYTES
      ? unzlibSync(bytes, { out: new Uint8Array(length + 1) })
      : inflateInSteps(new Unzlib(), bytes, length);
  if (unpacked.length !== length) throw new Error(`${unpacked.length} bytes of data instead of ${length}`);
  return unpacked;
}

/**
 * Unpacks a gzip file, of one member or several.
 *
 * @throws UnpackedTooLarge beyond `most` bytes, another Error where the file is damaged
 */
export function gunzipAtMost(bytes: Uint8Array, most: number): Uint8Array {
  const stream = new Gunzip();
  let members = 1;
  stream.onmember = () => members++;
  const unpacked = inflateInSteps(stream, bytes, most);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
  if (members === 1 && claimed !== unpacked.length) throw new Error(`${unpacked.length} bytes instead of ${claimed}`);
  return unpacked;
}

function inflateInSteps(stream: Gunzip | Unzlib, bytes: Uint8Array, most: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  stream.ondata = (chunk) => {
    length += chunk.length;
    if (length > most) throw new UnpackedTooLarge(`more than ${most.toLocaleString("en")} bytes`);
    if (chunk.length > 0) chunks.push(chunk);
  };
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    stream.push(bytes.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= bytes.length);
  }
  const unpacked = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    unpacked.set(chunk, at);
    at += chunk.length;
  }
  return unpacked;
}
