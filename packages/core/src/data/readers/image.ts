import { AnabranchError } from "@anabranch/engine";
import { decodeJpeg } from "./jpeg.ts";
import type { Pixels } from "./pixels.ts";
import { decodePng } from "./png.ts";

/** A picture as bytes by plane: [channels, height, width]. */
export interface Image {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
}

/**
 * Decodes a PNG or JPEG file, told by its first bytes. Transparency is dropped, 16-bit samples keep their high byte.
 *
 * @param channels 1: grey, with colour weighted by the BT.601 integers 77, 150, 29 over 256; 3: colour
 * @param where the file, for errors
 * @throws `data/magic`, `data/image` where it is damaged, `data/too-large` for too many pixels
 *
 * @example
 * ```ts
 * import { decodeImage } from "@anabranch/core";
 * import { fromBase64 } from "@anabranch/core/live";
 * const file = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR42mNg+A8AAQIBANEay48AAAAASUVORK5CYII=";
 * const { height, width, data } = await decodeImage(fromBase64(file)!, 1, "dot.png");
 * [height, width, ...data]; // => [1, 2, 0, 255]
 * ```
 */
export async function decodeImage(file: Uint8Array, channels: 1 | 3, where: string): Promise<Image> {
  const decode =
    file[0] === 0x89 && file[1] === 0x50 ? decodePng : file[0] === 0xff && file[1] === 0xd8 ? decodeJpeg : undefined;
  if (decode === undefined) {
    throw new AnabranchError({
      code: "data/magic",
      message: "this is neither a PNG nor a JPEG file",
      where,
      received: `first bytes ${[...file.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`,
      expected: "89 50 4e 47 (PNG) or ff d8 (JPEG)",
    });
  }
  let pixels: Pixels;
  try {
    pixels = await decode(file, where);
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    throw new AnabranchError({
      code: "data/image",
      message: "an image cannot be decoded",
      where,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: "The file is damaged or incomplete: open it in a viewer, or remove it.",
      cause,
    });
  }
  const { width, height } = pixels;
  return { channels, height, width, data: channels === 1 ? greyPlane(pixels) : colourPlanes(pixels) };
}

function greyPlane({ width, height, channels, data }: Pixels): Uint8Array {
  const plane = new Uint8Array(width * height);
  for (let i = 0; i < plane.length; i++) {
    const at = i * channels;
    plane[i] = channels < 3 ? data[at]! : (77 * data[at]! + 150 * data[at + 1]! + 29 * data[at + 2]! + 128) >>> 8;
  }
  return plane;
}

function colourPlanes({ width, height, channels, data }: Pixels): Uint8Array {
  const size = width * height;
  const planes = new Uint8Array(3 * size);
  for (let plane = 0; plane < 3; plane++) {
    const channel = channels < 3 ? 0 : plane;
    for (let i = 0; i < size; i++) planes[plane * size + i] = data[i * channels + channel]!;
  }
  return planes;
}
