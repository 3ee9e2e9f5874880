import { AnabranchError } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { readTable, type TableColumns } from "../tables/read-table.ts";
import type { Cell, TableRow } from "../tables/table-options.ts";
import { groupsOf, numberClasses } from "./class-names.ts";
import { namedClasses, withNames } from "./hugging-face.ts";
import { type ImageFile, stackImages } from "./image-folder.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { type ParquetRow, readParquetRows } from "./parquet-rows.ts";
import type { ImageSize } from "./resize.ts";

export interface ParquetOptions extends Omit<TableColumns, "features"> {
  /**
   * Feature columns, in order; default: those of `encoding`. Numbers, texts and lists of numbers of one length are put side
   * by side, [n, width]. A single column of image files (bytes, or { bytes } as in Hugging Face data sets) is decoded to
   * [n, channels, height, width].
   */
  readonly features?: readonly string[];
  /** For image columns. 3: colour (default), 1: grey. */
  readonly channels?: 1 | 3;
  /** For image columns: they are scaled to this size; left out: all must have one size. */
  readonly size?: ImageSize;
}

/** Lists inside lists that a feature may be. */
const MAX_LIST_DEPTH = 8;

/**
 * A data set from a Parquet file (uncompressed or Snappy). Numbers and texts become float features, image bytes uint8.
 * Counts and sizes are held against the file's size first; the pages themselves are decoded by a library, so files of
 * strangers belong into a thread with a deadline and a limit of memory, as `loadDataset` of `@anabranch/node` does it.
 *
 * @throws `data/parquet`, `data/column`, `data/category`, `data/parquet-value`, `data/label`, `data/too-large`, errors of
 * `decodeImage`
 *
 * @example
 * ```ts
 * import { readParquet } from "@anabranch/core";
 * import { fromBase64 } from "@anabranch/core/live";
 * // a file with one column x of the numbers 1, 2, 3
 * const head = "UEFSMRUAFRgVGCwVBhUAFQYVBgAAAQAAAAIAAAADAAAAFQIZLEgEcm9vdBUCABUC";
 * const rest = "JQAYAXgAFgYZHBkcJggcFQIZFQAZGAF4FQAWBhYYFjomCAAAFgIWBgAAOQAAAFBBUjE=";
 * const file = fromBase64(head + rest)!;
 * const { features, classNames } = await readParquet(file, { name: "x.parquet", label: "x", features: ["x"] });
 * features.data; // => [1, 2, 3]
 * classNames; // => ["1", "2", "3"]
 * ```
 */
export async function readParquet(
  file: Uint8Array | readonly ParquetFile[],
  options: ParquetOptions,
): Promise<ArrayDataset> {
  const where = options.name;
  const files = file instanceof Uint8Array ? [{ path: where, bytes: file }] : file;
  const { label, group, encoding } = options;
  const named = options.features ?? [...new Set(encoding?.columns.map(({ name }) => withoutIndex(name)))];
  const columns = [...new Set([...named, label, ...(group ? [group] : [])])];
  const rows: ParquetRow[] = [];
  let names: readonly string[] | undefined;
  for (const { path, bytes } of files) {
    const part = await readParquetRows(bytes, columns, path);
    requireAtMost(readerLimits.examples, rows.length + part.rows.length, "rows", where);
    for (const row of part.rows) rows.push(row);
    names ??= namedClasses(part.features, label);
  }
  const { target = "class" } = options.table ?? {};
  if (names !== undefined && target === "class")
    return datasetOfRows(withNames(rows, label, names, where), named, { classNames: names, ...options });
  return datasetOfRows(rows, named, options);
}

/** A file of a data set in several. */
export interface ParquetFile {
  /** For errors. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

async function datasetOfRows(
  rows: readonly ParquetRow[],
  named: readonly string[],
  options: ParquetOptions,
): Promise<ArrayDataset> {
  const { label, group, name: where } = options;
  const single = named.length === 1 ? named[0]! : undefined;
  if (single === undefined || imageBytes(rows[0]?.[single]) === undefined) return tableOf(rows, named, options);
  const texts = (column: string) => rows.map((row, i) => text(row[column], `${where}, row ${i}, column ${column}`));
  const { labels, classNames } = numberClasses(texts(label), options.classNames, `${where}, column ${label}`);
  return {
    name: options.name,
    features: await stackImages(imageFiles(rows, single, where), options.channels ?? 3, where, options.size),
    labels,
    classes: classNames.length,
    classNames,
    ...(group && groupsOf(texts(group))),
  };
}

/** The rows as a table of plain cells: a list of numbers becomes columns "name[0]", "name[1]" and so on. */
function tableOf(rows: readonly ParquetRow[], features: readonly string[], options: ParquetOptions): ArrayDataset {
  const where = options.name;
  const { label, group, features: _features, ...rest } = options;
  const others = [label, ...(group ? [group] : [])];
  const first = features.map((name) => [name, spread(rows[0]![name]).length] as const);
  const names = first.flatMap(([name, width]) =>
    Array.isArray(rows[0]![name]) ? Array.from({ length: width }, (_, i) => `${name}[${i}]`) : [name],
  );
  requireAtMost(readerLimits.columns, names.length, "numbers in a row", where);
  requireAtMost(readerLimits.featureBytes, 4 * rows.length * names.length, "bytes of features", where);
  function* plain(): Generator<TableRow> {
    for (const [i, row] of rows.entries()) {
      const place = `row ${i}`;
      const values = features.flatMap((name) => spread(row[name]));
      if (values.length !== names.length) throw otherWidth(`${where}, ${place}`, features, values.length, names.length);
      const cells = others.map((name) =>
        isEmpty(row[name]) ? undefined : text(row[name], `${where}, ${place}, column ${name}`),
      );
      yield { place, cells: [...values, ...cells] };
    }
  }
  const table = { where, columns: [...names, ...others], rows: plain(), code: "data/parquet-value" };
  return readTable(table, { ...rest, label, ...(group && { group }), features: names });
}

/** Nested lists of numbers as cells; what is nested too deeply, or of another type, is no number and refused later. */
function spread(value: unknown, depth = 0): Cell[] {
  if (depth < MAX_LIST_DEPTH && (Array.isArray(value) || ArrayBuffer.isView(value)))
    return Array.from(value as ArrayLike<unknown>).flatMap((element) => spread(element, depth + 1));
  if (typeof value === "bigint" || typeof value === "boolean") return [Number(value)];
  if (typeof value === "number") return [value];
  return [typeof value === "string" ? value : undefined];
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined;
}

/** The column that a feature such as "point[1]" is taken from. */
function withoutIndex(name: string): string {
  return name.replace(/\[\d+\]$/, "");
}

function otherWidth(place: string, columns: readonly string[], received: number, expected: number): AnabranchError {
  return new AnabranchError({
    code: "data/parquet-value",
    message: "a row has another number of values than the first row",
    where: `${place}, columns ${columns.join(", ")}`,
    received: `${received} values`,
    expected: `${expected} values`,
  });
}

function imageFiles(rows: readonly ParquetRow[], column: string, where: string): ImageFile[] {
  return rows.map((row, i) => ({
    path: `${where}, row ${i}, column ${column}`,
    bytes: imageBytes(row[column]) ?? new Uint8Array(0),
  }));
}

/** The bytes of an image cell; undefined for anything else. */
function imageBytes(cell: unknown): Uint8Array | undefined {
  if (cell instanceof Uint8Array) return cell;
  if (typeof cell === "object" && cell !== null && "bytes" in cell && cell.bytes instanceof Uint8Array)
    return cell.bytes;
  return undefined;
}

function text(value: unknown, where: string): string {
  if (
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "bigint" ||
    typeof value === "boolean"
  ) {
    return String(value);
  }
  throw new AnabranchError({
    code: "data/parquet-value",
    message: "a class or owner is missing or of an unsupported type",
    where,
    received: value === null || value === undefined ? "nothing" : typeof value,
    expected: "an integer, a text or a truth value",
  });
}
