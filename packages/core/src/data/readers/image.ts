import { AnabranchError } from "@anabranch/engine";

/** A decoded picture: interleaved bytes [height, width, channels] with 1 to 4 channels (grey, grey+alpha, RGB, RGBA). */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

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
    pixels = await decode(file);
  } catch (cause) {
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

// The decoders are loaded when the first image of their kind is met: most programs need neither.
async function decodePng(file: Uint8Array): Promise<Pixels> {
  const { convertIndexedToRgb, decode } = await import("fast-png");
  const decoded = decode(file);
  const { width, height, depth, channels, data, palette } = decoded;
  if (palette !== undefined) return { width, height, channels: palette[0]!.length, data: convertIndexedToRgb(decoded) };
  if (depth === 8) return { width, height, channels, data: Uint8Array.from(data) };
  if (depth === 16) return { width, height, channels, data: Uint8Array.from(data, (sample) => sample >>> 8) };
  return { width, height, channels, data: unpackBits(data, width, height, depth) };
}

/** Grey samples of 1, 2 or 4 bits, rows padded to bytes, spread over 0 to 255. */
function unpackBits(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const top = 2 ** depth - 1;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >>> 3)]!;
    return (((byte >>> (8 - depth - (bit & 7))) & top) * 255) / top;
  });
}

async function decodeJpeg(file: Uint8Array): Promise<Pixels> {
  const { default: jpeg } = await import("jpeg-js");
  const { width, height, data } = jpeg.decode(file, { useTArray: true, formatAsRGBA: false });
  return { width, height, channels: 3, data };
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
