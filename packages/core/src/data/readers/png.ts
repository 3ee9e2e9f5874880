import { inflateExactly } from "./inflate.ts";
import { readerLimits, requireAtMost, scaleDown } from "./limits.ts";
import type { Pixels } from "./pixels.ts";

/** Samples of a pixel by colour type: grey, RGB, palette index, grey + alpha, RGBA. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;
/** Bits of a sample by colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** A grid of the image's pixels that is stored as an image of its own. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly xStep: number;
  readonly yStep: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, xStep: 1, yStep: 1 }];
/** Interlacing as W3C PNG, section 8.2 "Adam7". */
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, xStep: 8, yStep: 8 },
  { x: 4, y: 0, xStep: 8, yStep: 8 },
  { x: 0, y: 4, xStep: 4, yStep: 8 },
  { x: 2, y: 0, xStep: 4, yStep: 4 },
  { x: 0, y: 2, xStep: 2, yStep: 4 },
  { x: 1, y: 0, xStep: 2, yStep: 2 },
  { x: 0, y: 1, xStep: 1, yStep: 2 },
];

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colour: number;
  readonly channels: number;
  readonly passes: readonly Pass[];
}

/**
 * Decodes a PNG file (W3C PNG, second edition) to samples of 8 bits; 16-bit samples keep their high byte, palettes become
 * RGB. Only the chunks IHDR, PLTE, IDAT and IEND are looked at, and the data are unpacked into a buffer of the size that
 * the header gives: nothing else in the file can take memory.
 *
 * @throws `data/too-large` for more pixels than allowed, an Error where the file is damaged
 */
export function decodePng(file: Uint8Array, where: string): Pixels {
  const { header, palette, data } = readChunks(file, where);
  const { width, height, channels, colour } = header;
  const raw = inflateExactly(data, rawLength(header));
  const target = { channels: colour === PALETTE ? 3 : channels, data: new Uint8Array(0) };
  target.data = new Uint8Array(width * height * target.channels);
  let at = 0;
  for (const pass of header.passes) {
    const size = sizeOf(pass, header);
    const before = new Uint8Array(size.rowBytes);
    for (let y = 0; y < size.rows; y++) {
      const row = raw.subarray(at + 1, at + 1 + size.rowBytes);
      unfilter(raw[at]!, row, before, Math.max(1, (channels * header.depth) >> 3));
      const first = (pass.y + y * pass.yStep) * width + pass.x;
      if (colour === PALETTE) placeColours(row, size.columns, header.depth, palette, target.data, first, pass.xStep);
      else placeSamples(row, size.columns, header, target.data, first, pass.xStep);
      before.set(row);
      at += 1 + size.rowBytes;
    }
  }
  return { width, height, channels: target.channels, data: target.data };
}

function readChunks(file: Uint8Array, where: string) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let header: Header | undefined;
  let palette = new Uint8Array(0);
  const parts: Uint8Array[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > file.length) throw new Error("the file ends before its last chunk");
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + length);
    if (at + 12 + length > file.length) throw new Error(`the file ends inside a chunk ${JSON.stringify(type)}`);
    if (header === undefined && type !== "IHDR") throw new Error("the file does not begin with a header");
    if (type === "IHDR") header ??= readHeader(body, where);
    else if (type === "PLTE") palette = Uint8Array.from(body);
    else if (type === "IDAT") parts.push(body);
    else if (type === "IEND") break;
    at += 12 + length;
  }
  return { header: header!, palette, data: joined(parts) };
}

function readHeader(body: Uint8Array, where: string): Header {
  if (body.length !== 13) throw new Error(`a header of ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = body.subarray(8);
  const channels = CHANNELS[colour!];
  if (channels === undefined || !DEPTHS[colour!]!.includes(depth!))
    throw new Error(`colour type ${colour} with ${depth} bits`);
  if (compression !== 0 || filter !== 0 || interlace! > 1)
    throw new Error(`compression ${compression}, filter ${filter}, interlacing ${interlace}`);
  if (width === 0 || height === 0) throw new Error(`${width} x ${height} pixels`);
  requireAtMost(readerLimits.imagePixels, width * height, `pixels (${width} x ${height})`, where, scaleDown);
  return { width, height, depth: depth!, colour: colour!, channels, passes: interlace === 1 ? ADAM7 : WHOLE };
}

function sizeOf(pass: Pass, { width, height, channels, depth }: Header) {
  const columns = Math.max(0, Math.ceil((width - pass.x) / pass.xStep));
  const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((height - pass.y) / pass.yStep));
  return { columns, rows, rowBytes: Math.ceil((columns * channels * depth) / 8) };
}

function rawLength(header: Header): number {
  const sizes = header.passes.map((pass) => sizeOf(pass, header));
  return sizes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
}

/** Undoes the filter of a row in place (section 9.2); `before`: the row above, unfiltered; `distance`: bytes of a pixel. */
function unfilter(filter: number, row: Uint8Array, before: Uint8Array, distance: number): void {
  if (filter > 4) throw new Error(`filter type ${filter}`);
  if (filter === 0) return;
  for (let i = 0; i < row.length; i++) {
    const left = i < distance ? 0 : row[i - distance]!;
    const above = before[i]!;
    if (filter === 1) row[i]! += left;
    else if (filter === 2) row[i]! += above;
    else if (filter === 3) row[i]! += (left + above) >> 1;
    else row[i]! += paeth(left, above, i < distance ? 0 : before[i - distance]!);
  }
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [toLeft, toAbove, toCorner] = [
    Math.abs(estimate - left),
    Math.abs(estimate - above),
    Math.abs(estimate - corner),
  ];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Writes the samples of a row, spread over 0 to 255, to every `step`-th pixel from `first` on. */
function placeSamples(
  row: Uint8Array,
  columns: number,
  { depth, channels }: Header,
  target: Uint8Array,
  first: number,
  step: number,
): void {
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  for (let i = 0; i < columns; i++) {
    const to = (first + i * step) * channels;
    for (let c = 0; c < channels; c++) target[to + c] = sample(row, i * channels + c, depth) * scale;
  }
}

function placeColours(
  row: Uint8Array,
  columns: number,
  depth: number,
  palette: Uint8Array,
  target: Uint8Array,
  first: number,
  step: number,
): void {
  for (let i = 0; i < columns; i++) {
    const from = 3 * sample(row, i, depth);
    if (from + 3 > palette.length) throw new Error(`colour ${from / 3} is not in the palette`);
    for (let c = 0; c < 3; c++) target[(first + i * step) * 3 + c] = palette[from + c]!;
  }
}

/** A sample of a row; the high byte of 16 bits. */
function sample(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index]!;
  if (depth === 16) return row[2 * index]!;
  const bit = index * depth;
  return (row[bit >>> 3]! >>> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
