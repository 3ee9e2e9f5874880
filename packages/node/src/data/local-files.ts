import { opendir } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import {
  type ArrayDataset,
  type CsvOptions,
  deriveKey,
  type ImageFile,
  type ImageSize,
  readCsv,
  readerLimits,
  readImageFolder,
  readParquet,
  readTextBySpeaker,
  requireAtMost,
  rootKey,
  scaleDown,
  selectRows,
  splitAtRandom,
  splitByClass,
  splitGroupTails,
  type TrainTest,
} from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { type DatasetPath, numberOption } from "./dataset-name.ts";
import type { FileAccess } from "./file-access.ts";
import { type DataPlaces, findPath } from "./places.ts";

/** Fixed for good: which examples are test examples must not change with the seed of a run. */
const splitSeed = 2017;

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
  const path = await findPath(places, from.path, `${from.kind}:${from.path}`);
  switch (from.kind) {
    case "csv":
    case "parquet":
      return loadTable(from, path, places, files, reading);
    case "images":
      return loadImages(from, path, files, reading);
    case "text": {
      const length = numberOption(from, "length", 80);
      const text = { ...readTextBySpeaker(await files.read(path), { name: path, length }), name: basename(path) };
      const fraction = numberOption(from, "testFraction", 0.1);
      return fraction === 0 ? withoutTest(text) : splitGroupTails(text, fraction);
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
  const dataset = await readTable(from, path, files, reading);
  const named = { ...dataset, name: basename(path) };
  if (testPath === undefined) return split(named, from);
  const found = await findPath(places, testPath, `${from.kind}:${testPath}`);
  const { classNames, table: encoding } = dataset;
  const sameAs = { ...reading, ...(classNames && { classNames }), ...(encoding && { encoding }) };
  const test = await readTable(from, found, files, sameAs);
  if (reading.encoding === undefined && named.labels.dtype !== "float") requireClasses(named);
  return { train: named, test: { ...test, name: basename(found) } };
}

async function readTable(
  from: DatasetPath,
  path: string,
  files: FileAccess,
  reading: Reading & Pick<CsvOptions, "classNames">,
): Promise<ArrayDataset> {
  const { label = "label", group, features, delimiter } = from.options;
  const file = await files.read(path);
  const columns = features?.split(",").map((name) => name.trim());
  // The readers put the name into their errors: there it is the path.
  const common = { name: path, label, ...reading, ...(group && { group }), ...(columns && { features: columns }) };
  try {
    if (from.kind === "csv") return readCsv(file, { ...common, ...(delimiter && { delimiter }) });
    const images = (columns ?? reading.encoding) ? {} : { features: ["image"] };
    return await readParquet(file, { ...common, ...images, ...imageOptions(from, reading) });
  } catch (error) {
    if (!(error instanceof AnabranchError) || error.code !== "data/column") throw error;
    const naming = `Name the columns in the data set's name: ${from.kind}:${from.path}?label=COLUMN&features=COLUMN,COLUMN`;
    const { advice } = error.failure;
    throw new AnabranchError({ ...error.failure, advice: advice === undefined ? naming : `${advice} ${naming}` });
  }
}

/** `train` and `test` folders are the split; otherwise a share of each class is the test set. */
async function loadImages(from: DatasetPath, path: string, access: FileAccess, reading: Reading): Promise<TrainTest> {
  const files = await imageFiles(path, access);
  const inFolder = (folder: string) => files.filter((file) => file.path.startsWith(`${folder}/`));
  const options = { name: path, ...imageOptions(from, reading) };
  const [train, test] = [inFolder("train"), inFolder("test")];
  const name = basename(path);
  if (train.length === 0 || test.length === 0) return split({ ...(await readImageFolder(files, options)), name }, from);
  const first = await readImageFolder(train, options);
  const second = await readImageFolder(test, { ...options, classNames: first.classNames });
  requireClasses(first);
  return { train: { ...first, name }, test: { ...second, name: `${name} (test)` } };
}

async function imageFiles(folder: string, access: FileAccess): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  let bytes = 0;
  for (const path of (await imagePaths(folder, access)).sort()) {
    const file = { path: relative(folder, path).split(sep).join("/"), bytes: await access.read(path) };
    bytes += file.bytes.length;
    requireAtMost(readerLimits.fileBytes, bytes, "bytes in all files", folder, scaleDown);
    files.push(file);
  }
  return files;
}

/** Regular files only, and no links: what lies elsewhere is no part of the folder. */
async function imagePaths(root: string, access: FileAccess): Promise<string[]> {
  const paths: string[] = [];
  const folders = [root];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found = await opendir(folder).catch(() => []);
    for await (const entry of found) {
      access.listed();
      requireAtMost(readerLimits.folderEntries, ++entries, "files and folders", root);
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && /^[^.].*\.(png|jpe?g)$/i.test(entry.name)) paths.push(path);
    }
  }
  return paths;
}

/** Channels and size of images, as their name says, else as the model takes them. */
function imageOptions(from: DatasetPath, { image }: Reading): { channels: 1 | 3; size?: ImageSize } {
  const [channels, height, width] = image?.length === 3 ? image : [];
  const size = sizeOption(from) ?? (height === undefined || width === undefined ? undefined : { width, height });
  return { channels: channelsOf(from, channels ?? 3), ...(size && { size }) };
}

/** "28x28" or "28", in pixels. */
function sizeOption(from: DatasetPath): ImageSize | undefined {
  const { size } = from.options;
  if (size === undefined) return undefined;
  const [, width, height = width] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(size) ?? [];
  if (Number(width) >= 1 && Number(height) >= 1) return { width: Number(width), height: Number(height) };
  throw new AnabranchError({
    code: "data/option",
    message: "the size of images cannot be read",
    where: `${from.kind}:${from.path}`,
    received: JSON.stringify(size),
    expected: "width and height in pixels, such as 28x28",
  });
}

function channelsOf(from: DatasetPath, usual: number): 1 | 3 {
  const channels = numberOption(from, "channels", usual);
  if (channels === 1 || channels === 3) return channels;
  throw new AnabranchError({
    code: "data/option",
    message: "images have an unsupported number of channels",
    where: `${from.kind}:${from.path}`,
    received: String(channels),
    expected: "1 (grey) or 3 (colour)",
  });
}

function split(dataset: ArrayDataset, from: DatasetPath): TrainTest {
  const fraction = numberOption(from, "testFraction", 0.2);
  if (fraction === 0) return withoutTest(dataset);
  const key = deriveKey(rootKey(splitSeed), "split");
  if (dataset.labels.dtype === "float") return splitAtRandom(dataset, fraction, key);
  requireClasses(dataset);
  return splitByClass(dataset, fraction, key);
}

/** A client of a live run may have one class alone; a run may not. */
function requireClasses({ name, classes, classNames, labels }: ArrayDataset): void {
  if (classes > 1 || labels.shape[0] === 0) return;
  throw new AnabranchError({
    code: "data/label",
    message: "all examples have one class",
    where: `data set ${name}`,
    received: `the class ${JSON.stringify(classNames?.[0] ?? "0")}`,
    expected: "two classes or more",
    advice: "Check that the label column is the class, or add examples of others.",
  });
}

/** All examples to train on: data of one client of a live run, which has no test set. */
function withoutTest<D extends ArrayDataset>(dataset: D): TrainTest<D> {
  return { train: dataset, test: selectRows(dataset, []) };
}
