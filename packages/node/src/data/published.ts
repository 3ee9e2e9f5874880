import { join } from "node:path";
import {
  type ArrayDataset,
  FASHION_MNIST_CLASSES,
  readCifar10,
  readCifar100,
  readIdx,
  type TrainTest,
} from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import type { FileAccess } from "./file-access.ts";
import { exists } from "./places.ts";

/** A published data set of images with a fixed training and test set, read from a folder. */
export interface PublishedDataset {
  /** Names that its folder may have; the first is the name of the data set. */
  readonly folders: readonly [string, ...string[]];
  /** Folders where packages of the system put it. */
  readonly system: readonly string[];
  readonly description: string;
  /** How to get it, one or two sentences. */
  readonly advice: string;
  /** The data set of a folder, or undefined where a file is missing. */
  readonly read: (folder: string, name: string, files: FileAccess) => Promise<TrainTest | undefined>;
}

const idxFiles = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

export const publishedDatasets: readonly PublishedDataset[] = [
  {
    folders: ["fashion-mnist"],
    system: ["/usr/share/datasets/fashion-mnist"],
    description: "Fashion-MNIST: 60,000 training and 10,000 test images of clothing, 28 x 28 grey, 10 classes.",
    advice:
      "Put its four IDX files (gzip or not) there, install Debian's package dataset-fashion-mnist, " +
      "or allow the download. fashion-mnist-10k needs no files.",
    read: (folder, name, files) => readMnist(folder, name, files, FASHION_MNIST_CLASSES),
  },
  {
    folders: ["mnist"],
    system: [],
    description: "MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 grey, 10 classes.",
    advice: "Put its four IDX files (gzip or not) there.",
    read: (folder, name, files) => readMnist(folder, name, files),
  },
  {
    folders: ["cifar-10", "cifar-10-batches-bin", "cifar10"],
    system: [],
    description: "CIFAR-10: 50,000 training and 10,000 test images of objects, 32 x 32 colour, 10 classes.",
    advice: "Unpack the binary version (cifar-10-binary.tar.gz) there.",
    read: (folder, name, files) =>
      readCifar(
        folder,
        name,
        files,
        [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
        "test_batch.bin",
        readCifar10,
      ),
  },
  {
    folders: ["cifar-100", "cifar-100-binary", "cifar100"],
    system: [],
    description: "CIFAR-100: 50,000 training and 10,000 test images of objects, 32 x 32 colour, 100 classes.",
    advice: "Unpack the binary version (cifar-100-binary.tar.gz) there.",
    read: (folder, name, files) => readCifar(folder, name, files, ["train.bin"], "test.bin", readCifar100),
  },
];

async function readMnist(
  folder: string,
  name: string,
  access: FileAccess,
  classNames?: readonly string[],
): Promise<TrainTest | undefined> {
  const paths = await Promise.all(Object.values(idxFiles).map((file) => findIdx(folder, file)));
  const [trainImages, trainLabels, testImages, testLabels] = paths;
  if (!trainImages || !trainLabels || !testImages || !testLabels) return undefined;
  const read = async (images: string, labels: string, shown: string) => ({
    ...readIdx(await access.read(images), await access.read(labels), {
      name: `${images} and ${labels}`,
      classes: 10,
    }),
    name: shown,
    ...(classNames && { classNames }),
  });
  return {
    train: await read(trainImages, trainLabels, name),
    test: await read(testImages, testLabels, `${name} (test)`),
  };
}

/** The file as published, unpacked, or with the dot that some programs put into its name. */
async function findIdx(folder: string, file: string): Promise<string | undefined> {
  const dotted = file.replace("-idx", ".idx");
  for (const candidate of [`${file}.gz`, file, dotted, `${dotted}.gz`]) {
    const path = join(folder, candidate);
    if (await exists(path)) return path;
  }
  return undefined;
}

async function readCifar(
  folder: string,
  name: string,
  access: FileAccess,
  train: readonly string[],
  test: string,
  reader: (files: readonly Uint8Array[], options: { name: string }) => ArrayDataset,
): Promise<TrainTest | undefined> {
  const paths = await Promise.all([...train, test].map((file) => findPacked(folder, file)));
  const found = paths.filter((path) => path !== undefined);
  if (found.length < paths.length) return undefined;
  const read = async (parts: readonly string[], shown: string) => {
    const files = await Promise.all(parts.map((path) => access.read(path)));
    return { ...withPaths(parts, () => reader(files, { name: folder })), name: shown };
  };
  return { train: await read(found.slice(0, -1), name), test: await read(found.slice(-1), `${name} (test)`) };
}

async function findPacked(folder: string, file: string): Promise<string | undefined> {
  for (const path of [join(folder, file), join(folder, `${file}.gz`)]) if (await exists(path)) return path;
  return undefined;
}

/** The reader knows its files by number only; errors name their paths. */
function withPaths<T>(paths: readonly string[], action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    const number = /, file (\d+)/.exec(error.failure.where ?? "");
    const path = paths[Number(number?.[1])];
    if (number === null || path === undefined) throw error;
    const rest = error.failure.where!.slice(number.index + number[0].length);
    throw new AnabranchError({ ...error.failure, where: path + rest });
  }
}
