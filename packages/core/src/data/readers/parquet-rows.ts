import { AnabranchError } from "@anabranch/engine";
import { findColumn } from "../tables/table-options.ts";
import { type DescribedFeatures, describedFeatures } from "./hugging-face.ts";
import { checkParquet } from "./parquet-check.ts";
import { unpackSnappy } from "./snappy.ts";

/** A row: cells by column, as the library decodes them. */
export type ParquetRow = Readonly<Record<string, unknown>>;

/**
 * The rows of a file, and its features as Hugging Face describes them.
 *
 * @param columns to read
 * @throws `data/parquet`, `data/column`, `data/too-large`
 */
export async function readParquetRows(
  file: Uint8Array,
  columns: readonly string[],
  where: string,
): Promise<{ readonly rows: ParquetRow[]; readonly features: DescribedFeatures | undefined }> {
  const { parquetMetadata, parquetReadObjects, parquetSchema } = await import("hyparquet");
  try {
    checkParquet(file, columns, where);
    const buffer = bufferOf(file);
    const metadata = parquetMetadata(buffer, { geoparquet: false });
    const present = parquetSchema(metadata).children.map((child) => child.element.name);
    for (const column of columns) findColumn(present, column, where);
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
    const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
    return { rows: rows as ParquetRow[], features: describedFeatures(text) };
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
