import { AnabranchError } from "@anabranch/engine";

const MiB = 2 ** 20;

/**
 * Ceilings for data from files. A file may be made by a stranger, and a short one can claim or unpack to any size, so
 * every reader checks its sizes against these before it allocates. Measured sets: MNIST unpacks to 47 MB, CIFAR-10 has
 * 184 MB.
 *
 * @example
 * ```ts
 * import { readerLimits } from "@anabranch/core";
 * readerLimits.examples > 1e6; // => true
 * ```
 */
export const readerLimits = {
  /** Bytes of one file, and of all files of an image folder together. */
  fileBytes: 1024 * MiB,
  /** Bytes that a gzip file, or all compressed pages of a Parquet file, unpack to. */
  unpackedBytes: 1024 * MiB,
  /** Bytes of a CSV or text file, unpacked. They become one string, and strings end at 512 MiB. */
  textBytes: 256 * MiB,
  /** Bytes of all features of a data set in memory: uint8 images, or float32 tables. */
  featureBytes: 2048 * MiB,
  /** Width times height of one image. */
  imagePixels: 8 * MiB,
  /** Examples in one data set. */
  examples: 16 * MiB,
  /** Columns of a table, or numbers in one row of it. */
  columns: 65_536,
  /** Different texts of a feature column. Each is an input of the model. */
  categories: 1_024,
  /** Different classes. Each is an output of the model. */
  classes: 65_536,
  /** Dimensions of a tensor. */
  rank: 8,
  /** Values of a Parquet file for each of its bytes. A page can repeat one value any number of times. */
  valuesPerByte: 1_000,
  /** Files and folders below an image folder. */
  folderEntries: 2 * MiB,
} as const;

/**
 * Refuses a size above its ceiling.
 *
 * @param what the size in words, e.g. "bytes of a text file"
 * @param where the file, for the error
 * @throws `data/too-large`
 * @example
 * ```ts
 * import { requireAtMost } from "@anabranch/core";
 * requireAtMost(100, 50, "rows", "patients.csv"); // throws data/too-large for more than 100
 * ```
 */
export function requireAtMost(limit: number, size: number, what: string, where: string, advice?: string): void {
  if (size > limit) throw tooLarge(limit, `${size.toLocaleString("en")} ${what}`, where, advice);
}

export function tooLarge(limit: number, received: string, where: string, advice?: string): AnabranchError {
  return new AnabranchError({
    code: "data/too-large",
    message: "a data set is larger than can be read",
    where,
    received,
    expected: `at most ${limit.toLocaleString("en")}`,
    advice: advice ?? "Use a part of the data set, or load it with a module of your own (module:FILE).",
  });
}

/**
 * Advice where images are too large.
 *
 * @example
 * ```ts
 * import { scaleDown } from "@anabranch/core";
 * scaleDown.startsWith("Scale the images down"); // => true
 * ```
 */
export const scaleDown = "Scale the images down to what the model takes first, for example to 64 x 64 pixels.";
