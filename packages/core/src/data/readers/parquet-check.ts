import { readerLimits, requireAtMost } from "./limits.ts";
import { type ColumnChunk, walkPages } from "./parquet-pages.ts";
import type { ColumnLevels } from "./parquet-runs.ts";
import { list, readThrift, size, struct, structs, type ThriftStruct, text } from "./thrift.ts";

/** Columns inside columns. */
const MAX_SCHEMA_DEPTH = 16;
const TRAILER_BYTES = 8;
const MAGIC = 0x50415231; // PAR1

/**
 * Holds what a Parquet file claims about itself (rows, values, sizes of pages, lengths of runs) against its size, before
 * a decoder believes it: a few hundred bytes can claim any number of rows. Field numbers as in `parquet.thrift` of
 * https://github.com/apache/parquet-format.
 *
 * @param columns the top-level columns that will be read
 * @param where the file, for errors
 * @throws `data/too-large`, or an Error where the file contradicts itself
 */
export function checkParquet(file: Uint8Array, columns: readonly string[], where: string): void {
  const footer = readFooter(file);
  const levels = readSchema(structs(footer.get(2), "schema"));
  const sum = { rows: 0, values: 0, unpacked: 0 };
  for (const group of structs(footer.get(4), "row groups")) {
    const rows = size(group.get(3), "rows of a group");
    sum.rows += rows;
    const seen = new Set<string>();
    for (const column of structs(group.get(1), "columns")) {
      const meta = struct(column.get(3), "column");
      const path = list(meta.get(3), "path of a column").map(text);
      if (!columns.includes(path[0] ?? "")) continue;
      requireOnce(path, seen, levels);
      const { values, unpacked } = walkPages(file, readChunk(meta, path, levels, rows));
      if (values < rows) throw new Error(`${values} values of ${path.join(".")} for ${rows} rows`);
      sum.values += values;
      sum.unpacked += unpacked;
    }
  }
  requireAtMost(readerLimits.examples, sum.rows, "rows", where);
  requireAtMost(readerLimits.unpackedBytes, sum.unpacked, "bytes when unpacked", where);
  const advice = "The same values are repeated over and over. If that is right, write the table as CSV.";
  requireAtMost(readerLimits.valuesPerByte * file.length, sum.values, `values in ${file.length} bytes`, where, advice);
}

function readFooter(file: Uint8Array): ThriftStruct {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = file.length - TRAILER_BYTES;
  if (end < 0 || view.getUint32(end + 4) !== MAGIC) throw new Error("the file does not end with PAR1");
  const length = view.getUint32(end, true);
  if (length > end) throw new Error(`a footer of ${length} bytes does not fit`);
  return readThrift(file.subarray(0, end), end - length).fields;
}

/**
 * A column is in the schema, and once in a group: of others the decoder would leave a failure to nobody, which ends the
 * process.
 */
function requireOnce(path: readonly string[], seen: Set<string>, levels: ReadonlyMap<string, ColumnLevels>): void {
  const key = path.join("\0");
  if (!levels.has(key)) throw new Error(`the column ${path.join(".")} is not in the schema`);
  if (seen.has(key)) throw new Error(`a group has the column ${path.join(".")} twice`);
  seen.add(key);
}

function readChunk(
  chunk: ThriftStruct,
  path: readonly string[],
  levels: ReadonlyMap<string, ColumnLevels>,
  rows: number,
): ColumnChunk {
  const dictionary = chunk.get(11);
  const begin = size(dictionary === undefined || dictionary === 0 ? chunk.get(9) : dictionary, "offset of a column");
  return {
    path,
    begin,
    end: begin + size(chunk.get(7), "length of a column"),
    type: size(chunk.get(1), "type of a column"),
    codec: size(chunk.get(4), "compression of a column"),
    levels: levels.get(path.join("\0"))!,
    // Of a flat column the decoder reads pages until it has the rows, of others it reads all.
    rows: path.length === 1 ? rows : undefined,
  };
}

/**
 * The levels of each column by its path. The schema is a tree as a list in depth-first order, each element with its number
 * of children.
 */
function readSchema(elements: readonly ThriftStruct[]): Map<string, ColumnLevels> {
  const found = new Map<string, ColumnLevels>();
  const open: { left: number; path: string[]; levels: ColumnLevels }[] = [];
  for (const [i, element] of elements.entries()) {
    while (open.at(-1)?.left === 0) open.pop();
    const parent = open.at(-1);
    if (parent === undefined && i > 0) throw new Error("the schema has more than one root");
    if (parent !== undefined) parent.left--;
    const [path, levels] =
      parent === undefined
        ? [[], { repetition: 0, definition: 0 }]
        : [[...parent.path, text(element.get(4))], levelsBelow(parent.levels, element.get(3))];
    if (path.length > MAX_SCHEMA_DEPTH) throw new Error(`columns are nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
    found.set(path.join("\0"), levels);
    const children = element.get(5);
    open.push({ left: children === undefined ? 0 : size(children, "children of a column"), path, levels });
  }
  if (open.some(({ left }) => left > 0)) throw new Error("the schema lacks columns");
  return found;
}

/** Levels grow by one below what is optional (1) or repeated (2). */
function levelsBelow({ repetition, definition }: ColumnLevels, kind: unknown): ColumnLevels {
  return {
    repetition: repetition + (kind === 2 ? 1 : 0),
    definition: definition + (kind === 1 || kind === 2 ? 1 : 0),
  };
}
