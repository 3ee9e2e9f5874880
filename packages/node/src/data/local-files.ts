import { stat } from "node:fs/promises";
import { basename } from "node:path";
import {
  type ArrayDataset,
  type CsvOptions,
  readCsv,
  readParquet,
  readTextBySpeaker,
  type TrainTest,
} from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import { type DatasetPath, numberOption } from "./dataset-name.ts";
import type { FileAccess } from "./file-access.ts";
import { type FoundFile, filesBelow } from "./local-folder.ts";
import { loadGraph } from "./local-graph.ts";
import { imageOptions, loadImages } from "./local-images.ts";
import { loadLeaf } from "./local-leaf.ts";
import { requireClasses, split, splitTails } from "./local-split.ts";
import { type DataPlaces, findPath } from "./places.ts";

/** How data are read where their name does not say. */
export interface Reading extends Pick<CsvOptions, "table" | "encoding"> {
  /** Channels and size of images, [channels, height, width]. */
  readonly image?: readonly number[] | undefined;
}

/** Reads a data set from the file or folder that the user named; modules are not files to read but code. */
export async function loadLocalFiles(
  from: DatasetPath,
  places: DataPlaces,
  files: FileAccess,
  reading: Reading = {},
): Promise<TrainTest> {
  if (from.kind === "graph") return loadGraph(from, places, files);
  const path = await findPath(places, from.path, `${from.kind}:${from.path}`);
  switch (from.kind) {
    case "csv":
    case "parquet":
      return loadTable(from, path, places, files, reading);
    case "images":
      return loadImages(from, path, files, reading.image);
    case "leaf":
      return loadLeaf(from, path, files);
    case "text": {
      const length = numberOption(from, "length", 80);
      const text = { ...readTextBySpeaker(await files.read(path), { name: path, length }), name: basename(path) };
      return splitTails(text, from);
    }
    case "module":
      throw new Error("a module is imported, not read");
  }
}

async function loadTable(
  from: DatasetPath,
  path: string,
  places: DataPlaces,
  files: FileAccess,
  reading: Reading,
): Promise<TrainTest> {
  const { test: testPath } = from.options;
  const parts = from.kind === "parquet" ? await parquetFolder(path, files) : undefined;
  const dataset = await readTable(from, path, parts?.train ?? (await fileAt(path, files)), reading);
  const named = { ...dataset, name: basename(path) };
  const sameAs = {
    ...reading,
    ...(dataset.classNames && { classNames: dataset.classNames }),
    ...(dataset.table && { encoding: dataset.table }),
  };
  if (testPath !== undefined) {
    const found = await findPath(places, testPath, `${from.kind}:${testPath}`);
    const test = await readTable(from, found, await fileAt(found, files), sameAs);
    if (reading.encoding === undefined) requireClasses(named);
    return { train: named, test: { ...test, name: basename(found) } };
  }
  if (parts === undefined || parts.test.length === 0 || "testFraction" in from.options) return split(named, from);
  const test = await readTable(from, path, parts.test, sameAs);
  return { train: named, test: { ...test, name: `${named.name} (test)` } };
}

async function fileAt(path: string, files: FileAccess): Promise<FoundFile[]> {
  return [{ path, bytes: await files.read(path) }];
}

/**
 * The Parquet files of a folder in the layout of Hugging Face, such as data/train-00000-of-00002.parquet: those for training
 * and those for tests, or for validation where there are none. All are for training where no name begins with "train".
 * Undefined for a file.
 */
async function parquetFolder(
  path: string,
  access: FileAccess,
): Promise<{ train: FoundFile[]; test: FoundFile[] } | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const files = await filesBelow(path, /\.parquet$/i, access);
  const of = (part: string) => files.filter((file) => new RegExp(`(^|/)${part}([-./]|$)`).test(file.path));
  const [train, test] = [of("train"), of("test")];
  if (train.length === 0) return { train: files, test: [] };
  return { train, test: test.length > 0 ? test : of("validation") };
}

async function readTable(
  from: DatasetPath,
  path: string,
  files: readonly FoundFile[],
  { image, ...reading }: Reading & Pick<CsvOptions, "classNames">,
): Promise<ArrayDataset> {
  const { label = "label", group, features, delimiter } = from.options;
  const columns = features?.split(",").map((name) => name.trim());
  // The readers put the name into their errors: there it is the path.
  const common = { name: path, label, ...reading, ...(group && { group }), ...(columns && { features: columns }) };
  try {
    if (from.kind === "csv") return readCsv(files[0]!.bytes, { ...common, ...(delimiter && { delimiter }) });
    const images = (columns ?? reading.encoding) ? {} : { features: ["image"] };
    return await readParquet(files, { ...common, ...images, ...imageOptions(from, image) });
  } catch (error) {
    if (!(error instanceof AnabranchError) || error.code !== "data/column") throw error;
    const naming = `Name the columns in the data set's name: ${from.kind}:${from.path}?label=COLUMN&features=COLUMN,COLUMN`;
    const { advice } = error.failure;
    throw new AnabranchError({ ...error.failure, advice: advice === undefined ? naming : `${advice} ${naming}` });
  }
}
