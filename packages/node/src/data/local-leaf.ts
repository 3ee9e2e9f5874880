import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { readLeaf, readLeafSplit, type TrainTest } from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import { type DatasetPath, numberOption } from "./dataset-name.ts";
import type { FileAccess } from "./file-access.ts";
import { filesBelow } from "./local-folder.ts";
import { sizeOption } from "./local-images.ts";
import { requireClasses, splitTails } from "./local-split.ts";

/**
 * LEAF's JSON files: one, or all of a folder. Files below `train` and `test` folders are the split; otherwise the last tenth
 * of each user's examples is the test set.
 */
export async function loadLeaf(from: DatasetPath, path: string, access: FileAccess): Promise<TrainTest> {
  const isFolder = (await stat(path)).isDirectory();
  const files = isFolder
    ? await filesBelow(path, /\.json(\.gz)?$/i, access)
    : [{ path: basename(path), bytes: await access.read(path) }];
  const below = (folder: string) => files.filter(({ path: of }) => of.split("/").slice(0, -1).includes(folder));
  const size = sizeOption(from);
  const options = { name: basename(path), words: wordsOption(from), ...(size && { size }) };
  const [train, test] = [below("train"), below("test")];
  if (train.length > 0 && test.length > 0) return readLeafSplit(train, test, options);
  const dataset = readLeaf(files, options);
  if (numberOption(from, "testFraction", 0.1) > 0) requireClasses(dataset);
  return splitTails(dataset, from);
}

function wordsOption(from: DatasetPath): number {
  const words = numberOption(from, "words", 1024);
  if (Number.isInteger(words) && words >= 1) return words;
  throw new AnabranchError({
    code: "data/option",
    message: "the number of features of words is out of range",
    where: `${from.kind}:${from.path}`,
    received: String(words),
    expected: "an integer of at least 1",
  });
}
