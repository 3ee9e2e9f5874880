import { zlibSync } from "fflate";

/** A PNG file made by hand; checksums are zeros, as no decoder here looks at them. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colour?: number;
  readonly interlaced?: boolean;
  readonly palette?: Uint8Array;
  /** Rows as they are before compression, each with its filter byte. */
  readonly raw: Uint8Array;
  /** Further chunks before the data. */
  readonly extra?: readonly (readonly [type: string, body: Uint8Array])[];
}

export function pngFile(parts: PngParts): Uint8Array {
  const { width, height, depth = 8, colour = 0, interlaced = false, palette, raw, extra = [] } = parts;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  const chunks = [
    chunk("IHDR", header),
    ...(palette === undefined ? [] : [chunk("PLTE", palette)]),
    ...extra.map(([type, body]) => chunk(type, body)),
    chunk("IDAT", zlibSync(raw)),
    chunk("IEND", new Uint8Array(0)),
  ];
  return Uint8Array.from(Buffer.concat([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), ...chunks]));
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(body, 8);
  return bytes;
}
