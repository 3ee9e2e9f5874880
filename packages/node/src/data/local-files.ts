import { readdir } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import {
  deriveKey,
  type ImageFile,
  type NamedDataset,
  readCsv,
  readImageFolder,
  readParquet,
  readTextBySpeaker,
  rootKey,
  splitByClass,
  splitGroupTails,
  type TrainTest,
} from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { loadDatasetModule } from "./dataset-module.ts";
import { type DatasetPath, numberOption } from "./dataset-name.ts";
import { type DataPlaces, findPath, readDataFile } from "./places.ts";

/** Fixed for good: which examples are test examples must not change with the seed of a run. */
const splitSeed = 2017;

/** Reads a data set from the file or folder that the user named. */
export async function loadLocalFiles(from: DatasetPath, places: DataPlaces): Promise<TrainTest> {
  const path = await findPath(places, from.path, `${from.kind}:${from.path}`);
  switch (from.kind) {
    case "csv":
    case "parquet":
      return loadTable(from, path, places);
    case "images":
      return loadImages(from, path);
    case "text": {
      const length = numberOption(from, "length", 80);
      const text = readTextBySpeaker(await readDataFile(path), { name: path, length });
      return splitGroupTails({ ...text, name: basename(path) }, numberOption(from, "testFraction", 0.1));
    }
    case "module":
      return loadDatasetModule(path);
  }
}

async function loadTable(from: DatasetPath, path: string, places: DataPlaces): Promise<TrainTest> {
  const { test: testPath } = from.options;
  const dataset = await readTable(from, path);
  const named = { ...dataset, name: basename(path) };
  if (testPath === undefined) return split(named, from);
  const found = await findPath(places, testPath, `${from.kind}:${testPath}`);
  const test = await readTable(from, found, dataset.classNames);
  return { train: named, test: { ...test, name: basename(found) } };
}

async function readTable(from: DatasetPath, path: string, classNames?: readonly string[]): Promise<NamedDataset> {
  const { label = "label", group, features, delimiter } = from.options;
  const file = await readDataFile(path);
  // The readers put the name into their errors: there it is the path.
  const common = { name: path, label, ...(group && { group }), ...(classNames && { classNames }) };
  const columns = features?.split(",").map((name) => name.trim());
  try {
    if (from.kind === "csv")
      return readCsv(file, { ...common, ...(columns && { features: columns }), ...(delimiter && { delimiter }) });
    return await readParquet(file, { ...common, features: columns ?? ["image"], channels: channelsOf(from) });
  } catch (error) {
    if (!(error instanceof AnabranchError) || error.code !== "data/column") throw error;
    const advice = `Name the columns in the data set's name: ${from.kind}:${from.path}?label=COLUMN&features=COLUMN,COLUMN`;
    throw new AnabranchError({ ...error.failure, advice });
  }
}

/** `train` and `test` folders are the split; otherwise a share of each class is the test set. */
async function loadImages(from: DatasetPath, path: string): Promise<TrainTest> {
  const files = await imageFiles(path);
  const inFolder = (folder: string) => files.filter((file) => file.path.startsWith(`${folder}/`));
  const options = { name: path, channels: channelsOf(from) };
  const [train, test] = [inFolder("train"), inFolder("test")];
  const name = basename(path);
  if (train.length === 0 || test.length === 0) return split({ ...(await readImageFolder(files, options)), name }, from);
  const first = await readImageFolder(train, options);
  const second = await readImageFolder(test, { ...options, classNames: first.classNames });
  return { train: { ...first, name }, test: { ...second, name: `${name} (test)` } };
}

async function imageFiles(folder: string): Promise<ImageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries
    .filter((entry) => entry.isFile() && /^[^.].*\.(png|jpe?g)$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const files: ImageFile[] = [];
  for (const path of paths.sort()) {
    files.push({ path: relative(folder, path).split(sep).join("/"), bytes: await readDataFile(path) });
  }
  return files;
}

function channelsOf(from: DatasetPath): 1 | 3 {
  const channels = numberOption(from, "channels", 3);
  if (channels === 1 || channels === 3) return channels;
  throw new AnabranchError({
    code: "data/option",
    message: "images have an unsupported number of channels",
    where: `${from.kind}:${from.path}`,
    received: String(channels),
    expected: "1 (grey) or 3 (colour)",
  });
}

function split(dataset: NamedDataset, from: DatasetPath): TrainTest {
  const fraction = numberOption(from, "testFraction", 0.2);
  return splitByClass(dataset, fraction, deriveKey(rootKey(splitSeed), "split"));
}
