import { readerLimits, requireAtMost, scaleDown } from "./limits.ts";
import type { Pixels } from "./pixels.ts";

/** Memory of one decoding, in MiB: 64 bytes for each of the pixels that are allowed. */
const MEMORY_MIB = (64 * readerLimits.imagePixels) / 2 ** 20;

/**
 * Decodes a JPEG file to RGB. Its size is read from the frame header before anything is allocated.
 *
 * @throws `data/too-large` for more pixels than allowed, an Error where the file is damaged
 */
export async function decodeJpeg(file: Uint8Array, where: string): Promise<Pixels> {
  for (const { width, height } of frames(file)) {
    requireAtMost(readerLimits.imagePixels, width * height, `pixels (${width} x ${height})`, where, scaleDown);
  }
  // Loaded when the first JPEG is met: most programs need none.
  const { default: jpeg } = await import("jpeg-js");
  const { width, height, data } = jpeg.decode(file, {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: readerLimits.imagePixels / 1e6,
    maxMemoryUsageInMB: MEMORY_MIB,
  });
  return { width, height, channels: 3, data };
}

/** The sizes in all frame headers (markers SOF0 to SOF15, ITU T.81, table B.1). */
function* frames(file: Uint8Array): Generator<{ width: number; height: number }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 2; at + 4 <= file.length; ) {
    const marker = file[at] === 0xff ? file[at + 1]! : 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame && at + 9 <= file.length) yield { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    // Entropy-coded data and fill bytes are passed one by one, segments as a whole.
    const isSegment = marker >= 0xc0 && marker !== 0xff && !(marker >= 0xd0 && marker <= 0xd9);
    at += isSegment ? 2 + view.getUint16(at + 2) : 1;
  }
}
