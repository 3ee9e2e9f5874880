import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type NamedDataset, numberClasses } from "./class-names.ts";
import { groupsOf } from "./csv.ts";
import { type ImageFile, stackImages } from "./image-folder.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { checkParquet } from "./parquet-check.ts";
import { unpackSnappy } from "./snappy.ts";
import { listed } from "./text.ts";

export interface ParquetOptions {
  readonly name: string;
  /** Column with the class: an integer, a text or a truth value. */
  readonly label: string;
  /**
   * Feature columns, in order. Numbers and lists of numbers of one length are put side by side, [n, width]. A single
   * column of image files (bytes, or { bytes } as in Hugging Face data sets) is decoded to [n, channels, height, width].
   */
  readonly features: readonly string[];
  /** Column with the natural owner. */
  readonly group?: string;
  /** For image columns. 3: colour (default), 1: grey. */
  readonly channels?: 1 | 3;
  /** Order of the classes; default: sorted. Give the training set's when reading a test set. */
  readonly classNames?: readonly string[];
}

type Row = Readonly<Record<string, unknown>>;

/** Lists inside lists that a feature may be. */
const MAX_LIST_DEPTH = 8;

/**
 * A data set from a Parquet file (uncompressed or Snappy). Numbers become float features, image bytes uint8. Counts and
 * sizes are held against the file's size first; the pages themselves are decoded by a library, so files of strangers
 * belong into a thread with a deadline and a limit of memory, as `loadDataset` of `@anabranch/node` does it.
 *
 * @throws `data/parquet`, `data/column`, `data/parquet-value`, `data/label`, `data/too-large`, errors of `decodeImage`
 */
export async function readParquet(file: Uint8Array, options: ParquetOptions): Promise<NamedDataset> {
  const where = options.name;
  const columns = [...new Set([...options.features, options.label, ...(options.group ? [options.group] : [])])];
  const rows = await readRows(file, columns, where);
  const classes = rows.map((row, i) => text(row[options.label], `${where}, row ${i}, column ${options.label}`));
  const { labels, classNames } = numberClasses(classes, options.classNames, `${where}, column ${options.label}`);
  const single = options.features.length === 1 ? options.features[0]! : undefined;
  const images = single !== undefined && imageBytes(rows[0]?.[single]) !== undefined;
  const features = images
    ? await stackImages(imageFiles(rows, single, where), options.channels ?? 3, where)
    : numbers(rows, options.features, where);
  const { group } = options;
  return {
    name: options.name,
    features,
    labels,
    classes: classNames.length,
    classNames,
    ...(group && groupsOf(rows.map((row, i) => text(row[group], `${where}, row ${i}, column ${group}`)))),
  };
}

async function readRows(file: Uint8Array, columns: readonly string[], where: string): Promise<Row[]> {
  const { parquetMetadata, parquetReadObjects, parquetSchema } = await import("hyparquet");
  try {
    checkParquet(file, columns, where);
    const buffer = bufferOf(file);
    const metadata = parquetMetadata(buffer, { geoparquet: false });
    const present = parquetSchema(metadata).children.map((child) => child.element.name);
    const missing = columns.find((column) => !present.includes(column));
    if (missing !== undefined) {
      throw new AnabranchError({
        code: "data/column",
        message: "a column is missing",
        where,
        received: listed(present),
        expected: `a column named ${JSON.stringify(missing)}`,
      });
    }
    // Bytes without a text type stay bytes: they are images.
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      columns: [...columns],
      utf8: false,
      geoparquet: false,
      compressors: { SNAPPY: unpackSnappy },
    });
    if (rows.length === 0) throw new Error("the file has no rows");
    return rows;
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    throw new AnabranchError({
      code: "data/parquet",
      message: "a Parquet file cannot be read",
      where,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: "a whole Parquet file with rows, uncompressed or compressed by Snappy",
      cause,
    });
  }
}

/** The bytes as a buffer of their own; without a copy where they have one. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
}

/** Numbers and lists of numbers side by side, float [n, width]. */
function numbers(rows: readonly Row[], columns: readonly string[], where: string): HostTensor {
  const flat = (row: Row) => columns.flatMap((column) => spread(row[column]));
  const width = flat(rows[0]!).length;
  requireAtMost(readerLimits.columns, width, "numbers in a row", where);
  requireAtMost(readerLimits.featureBytes, 4 * rows.length * width, "bytes of features", where);
  const data = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    const values = flat(row);
    const wrong = values.find((value) => !Number.isFinite(value));
    if (values.length !== width || wrong !== undefined) {
      throw new AnabranchError({
        code: "data/parquet-value",
        message: "the features of a row are not numbers, or not as many as in the first row",
        where: `${where}, row ${i}, columns ${columns.join(", ")}`,
        received: values.length === width ? String(wrong) : `${values.length} numbers`,
        expected: `${width} finite numbers`,
      });
    }
    data.set(values, i * width);
  }
  return { dtype: "float", shape: [rows.length, width], data };
}

/** Nested lists of numbers; what is not a number, or nested too deeply, becomes NaN, which the caller refuses. */
function spread(value: unknown, depth = 0): number[] {
  if (depth < MAX_LIST_DEPTH && (Array.isArray(value) || ArrayBuffer.isView(value)))
    return Array.from(value as ArrayLike<unknown>).flatMap((element) => spread(element, depth + 1));
  if (typeof value === "bigint" || typeof value === "boolean") return [Number(value)];
  return [typeof value === "number" ? value : Number.NaN];
}

function imageFiles(rows: readonly Row[], column: string, where: string): ImageFile[] {
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
