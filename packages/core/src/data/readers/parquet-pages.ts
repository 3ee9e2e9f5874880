import { bitWidth, type ColumnLevels, checkPage, checkRuns, checkValues, holdsCounts, RLE } from "./parquet-runs.ts";
import { unpackSnappy } from "./snappy.ts";
import { readThrift, size, struct, type ThriftStruct } from "./thrift.ts";

/** Bytes that one byte of Snappy can become: a copy of 64 bytes takes three. */
const SNAPPY_EXPANSION = 22;
const SNAPPY = 1;
const BOOLEAN = 0;

/** A column of a row group as the footer describes it. */
export interface ColumnChunk {
  readonly path: readonly string[];
  /** First byte and the one after the last. */
  readonly begin: number;
  readonly end: number;
  readonly type: number;
  readonly codec: number;
  readonly levels: ColumnLevels;
  /** Values after which no further page is read; undefined: all pages are. */
  readonly rows: number | undefined;
}

/**
 * Walks through the pages of a column and holds what they claim against their bytes.
 *
 * @returns the values of all pages, and the bytes they unpack to
 * @throws Error
 */
export function walkPages(file: Uint8Array, chunk: ColumnChunk): { values: number; unpacked: number } {
  const { begin, end, rows } = chunk;
  if (end > file.length) throw new Error(`a column ends at byte ${end} of ${file.length}`);
  let values = 0;
  let unpacked = 0;
  for (let at = begin; at < end - 1 && (rows === undefined || values < rows); ) {
    const header = readThrift(file.subarray(0, end), at);
    const packedBytes = size(header.fields.get(3), "length of a page");
    const pageBytes = size(header.fields.get(2), "unpacked length of a page");
    if (header.end + packedBytes > end) throw new Error(`a page of ${packedBytes} bytes does not fit`);
    // A page is plain or Snappy; other codecs are refused by the decoder.
    if (pageBytes > SNAPPY_EXPANSION * packedBytes + 64)
      throw new Error(`a page of ${pageBytes} bytes in ${packedBytes}`);
    const body = file.subarray(header.end, header.end + packedBytes);
    values += checkBody(body, pageBytes, header.fields, chunk);
    unpacked += pageBytes;
    at = header.end + packedBytes;
  }
  return { values, unpacked };
}

/** Returns how many values the page adds to the column. */
function checkBody(body: Uint8Array, pageBytes: number, header: ThriftStruct, chunk: ColumnChunk): number {
  const dictionary = header.get(7);
  if (dictionary !== undefined) {
    const count = size(struct(dictionary, "dictionary").get(1), "values of a dictionary");
    // Each takes a bit or more.
    if (count > 8 * pageBytes) throw new Error(`a dictionary of ${count} values in ${pageBytes} bytes`);
    return 0;
  }
  const second = header.get(8);
  const data = struct(second ?? header.get(5), "header of a page");
  const values = size(data.get(1), "values of a page");
  const encoding = size(data.get(second === undefined ? 2 : 4), "encoding of a page");
  // As the decoder tells bits from numbers.
  const hasBits = second === undefined ? chunk.type === BOOLEAN : encoding === RLE;
  const contents = { values, encoding, hasBits };
  if (second !== undefined && size(data.get(2), "missing values of a page") > values)
    throw new Error("a page lacks more values than it has");
  if (!holdsCounts(contents, chunk.levels)) return values;
  if (second === undefined) {
    checkPage(unpack(body, pageBytes, chunk), contents, chunk.levels);
    return values;
  }
  const [definitionBytes, repetitionBytes] = [size(data.get(5), "levels"), size(data.get(6), "levels")];
  const levelBytes = definitionBytes + repetitionBytes;
  if (levelBytes > Math.min(body.length, pageBytes)) throw new Error(`levels of ${levelBytes} bytes do not fit`);
  const { repetition, definition } = chunk.levels;
  checkRuns(body.subarray(0, repetitionBytes), bitWidth(repetition), values);
  checkRuns(body.subarray(repetitionBytes, levelBytes), bitWidth(definition), values);
  const rest = body.subarray(levelBytes);
  checkValues(data.get(7) === false ? rest : unpack(rest, pageBytes - levelBytes, chunk), contents);
  return values;
}

function unpack(body: Uint8Array, length: number, { codec }: ColumnChunk): Uint8Array {
  return codec === SNAPPY ? unpackSnappy(body, length) : body;
}
