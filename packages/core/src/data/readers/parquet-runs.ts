/**
 * Counts inside a page of a Parquet file: runs of equal or packed values, and blocks of differences.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"
 * and "Delta Encoding".
 */

export const RLE = 3;
/** Encodings by number that store runs: PLAIN_DICTIONARY, RLE, RLE_DICTIONARY. */
const RUNS: readonly number[] = [2, RLE, 8];

/** Differences of numbers (DELTA_BINARY_PACKED) and of lengths (DELTA_LENGTH_BYTE_ARRAY). */
const DELTAS: readonly number[] = [5, 6];
/** DELTA_BYTE_ARRAY: a text begins with a part of the one before, so that a short file is texts of any size. */
const SHARED_BEGINNINGS = 7;

/** What a page holds, by its header and the schema. */
export interface PageContents {
  readonly values: number;
  readonly encoding: number;
  /** Whether runs of single bits follow, after their length in four bytes; else the bits of a value in one byte. */
  readonly hasBits: boolean;
}

/** How deeply values of a column are repeated and optional: the largest levels in its pages. */
export interface ColumnLevels {
  readonly repetition: number;
  readonly definition: number;
}

/** Whether pages of a column hold counts at all. */
export function holdsCounts({ encoding }: PageContents, { repetition, definition }: ColumnLevels): boolean {
  return repetition + definition > 0 || [...RUNS, ...DELTAS, SHARED_BEGINNINGS].includes(encoding);
}

/**
 * Refuses a page (version 1, unpacked) with a run longer than the page has values: a decoder would write them all.
 *
 * @throws Error
 */
export function checkPage(page: Uint8Array, contents: PageContents, levels: ColumnLevels): void {
  let at = 0;
  for (const level of [levels.repetition, levels.definition]) {
    if (level === 0) continue;
    const end = at + 4 + lengthAt(page, at);
    checkRuns(page.subarray(at + 4, end), bitWidth(level), contents.values);
    at = end;
  }
  checkValues(page.subarray(at), contents);
}

/** As `checkPage`, for the values of a page without levels. */
export function checkValues(bytes: Uint8Array, { values, encoding, hasBits }: PageContents): void {
  if (encoding === SHARED_BEGINNINGS) throw new Error("the encoding DELTA_BYTE_ARRAY is not supported");
  if (DELTAS.includes(encoding)) checkDeltas(bytes);
  if (!RUNS.includes(encoding)) return;
  if (hasBits) checkRuns(bytes.subarray(4), 1, values);
  else checkRuns(bytes.subarray(1), bytes[0] ?? 0, values);
}

/** Refuses runs that are longer than `values`, the number of values to be read from them. */
export function checkRuns(bytes: Uint8Array, width: number, values: number): void {
  if (width > 32) throw new Error(`values of ${width} bits`);
  let at = 0;
  let seen = 0;
  while (seen < values && at < bytes.length) {
    const { value: head, end } = varint(bytes, at);
    const isPacked = head % 2 === 1;
    const count = Math.floor(head / 2) * (isPacked ? 8 : 1);
    // The last group of packed bits is filled up to eight values, by some writers to 64.
    if (count > values + (isPacked ? 63 : 0)) throw new Error(`a run of ${count} values in a page of ${values}`);
    at = end + (isPacked ? (count / 8) * width : Math.ceil(width / 8));
    seen += count;
  }
}

/** Refuses differences in blocks of an impossible size: with fewer than no parts a decoder would go backwards. */
function checkDeltas(bytes: Uint8Array): void {
  const block = varint(bytes, 0);
  const { value: parts } = varint(bytes, block.end);
  if (parts > 0 && block.value <= 2 ** 20 && block.value > 0 && block.value % (8 * parts) === 0) return;
  throw new Error(`differences in blocks of ${block.value} values in ${parts} parts`);
}

/** Bits of the levels up to `level`. */
export function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new Error("a page ends inside its levels");
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}

function varint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const part = bytes[at + i] ?? 0;
    value += (part & 127) * 2 ** (7 * i);
    if (part < 128) return { value, end: at + i + 1 };
  }
  throw new Error("the length of a run is too long");
}
