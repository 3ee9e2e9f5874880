import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { deriveKey, rootKey } from "../random/index.ts";
import { BLOCK_GRAPH, blockGraph } from "./block-graph.ts";
import type { ArrayDataset } from "./dataset.ts";
import { imageQuestions } from "./image-questions.ts";
import { instructions } from "./instructions.ts";
import { neighbourGraph } from "./neighbour-graph.ts";
import { questionFamilies } from "./question-grammar.ts";
import type { NamedDataset } from "./readers/class-names.ts";
import { readIdx } from "./readers/idx.ts";
import { readTextBySpeaker, type TextDataset } from "./readers/text-by-speaker.ts";
import { splitByClass, splitGroupTails, type TrainTest } from "./split.ts";

/** Reads an asset by its file name. Where the bytes come from (a disk, a fetch) is the caller's affair. */
export type AssetReader = (file: string) => Promise<Uint8Array>;

/**
 * The data sets that are bundled, by name.
 *
 * @example
 * ```ts
 * import { SHIPPED_DATASETS } from "@anabranch/core";
 * Object.keys(SHIPPED_DATASETS).length; // => 6
 * ```
 */
export const SHIPPED_DATASETS = [
  "fashion-mnist-10k",
  "instructions",
  "tiny-shakespeare",
  "block-graph",
  "image-neighbours",
  "image-questions",
] as const;
export type ShippedDatasetName = (typeof SHIPPED_DATASETS)[number];

/** Fixed for good: it decides which images are test images, and which instructions there are. */
const SPLIT_SEED = 2017;

/**
 * Share of the nodes of a graph that are test nodes: with two thirds of the others held out, 20 % are trained on.
 *
 * @example
 * ```ts
 * import { TEST_NODES } from "@anabranch/core";
 * TEST_NODES; // => 0.4
 * ```
 */
export const TEST_NODES = 0.4;

/**
 * What the ten labels of Fashion-MNIST stand for.
 *
 * @example
 * ```ts
 * import { FASHION_MNIST_CLASSES } from "@anabranch/core";
 * FASHION_MNIST_CLASSES[0]; // => "T-shirt/top"
 * ```
 */
export const FASHION_MNIST_CLASSES = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
] as const;

/**
 * Where a shipped asset lies, next to this module.
 *
 * @example
 * ```ts
 * import { assetUrl } from "@anabranch/core";
 * assetUrl("shakespeare.txt").protocol; // => "file:"
 * ```
 */
export function assetUrl(file: string): URL {
  return new URL(/* @vite-ignore */ `./assets/${file}`, import.meta.url);
}

/**
 * A data set that needs no network.
 *
 * - "fashion-mnist-10k": 8,000 training and 2,000 test images [n, 1, 28, 28], uint8; 800 and 200 of each of 10 classes.
 * - "instructions": 8,000 and 800 generated instructions in 8 categories, [n, 61] uint8 with the next characters as
 *   labels where they belong to the answer.
 * - "tiny-shakespeare": windows of 80 characters by speaker, [n, 80] uint8 with the next characters as labels; the last
 *   tenth of each speaker's windows is the test set.
 * - "block-graph": 480 nodes of a stochastic block model with 16 features and 4 classes, in 8 blocks and 2 groups.
 * - "image-neighbours": the 2,000 test images of fashion-mnist-10k, scaled to 14 x 14, as nodes: features are their 64 first
 *   principal components, and each has edges to the 10 images of largest cosine. 40 % of the nodes of a graph are the test set.
 * - "image-questions": 2,000 and 500 grids of four images of fashion-mnist-10k, [n, 790] uint8 with a question of six words in
 *   each, by family of questions; one of 17 answers. Images are real, questions are generated.
 *
 * @example
 * ```ts
 * import { loadShippedDataset } from "@anabranch/core";
 * // in a program: (file) => readFile(assetUrl(file))
 * const play = `ROMEO:\n${"But soft, what light! ".repeat(8)}\n`;
 * const { train } = await loadShippedDataset("tiny-shakespeare", async () => new TextEncoder().encode(play));
 * train.features.shape; // => [2, 80]
 * ```
 */
export async function loadShippedDataset(name: string, read: AssetReader): Promise<TrainTest<ArrayDataset>> {
  switch (name) {
    case "fashion-mnist-10k":
      return loadFashionMnist10k(read);
    case "instructions":
      return instructions(deriveKey(rootKey(SPLIT_SEED), "instructions"), { train: 1000, test: 100 });
    case "block-graph":
      return splitByClass(
        blockGraph(deriveKey(rootKey(SPLIT_SEED), "block-graph"), BLOCK_GRAPH),
        TEST_NODES,
        nodesKey(),
      );
    case "image-neighbours":
      return loadImageNeighbours(read);
    case "image-questions":
      return loadImageQuestions(read);
    case "tiny-shakespeare":
      return loadTinyShakespeare(read);
    default:
      throw new AnabranchError({
        code: "data/unknown",
        message: "unknown bundled data set",
        received: JSON.stringify(name),
        expected: `one of ${SHIPPED_DATASETS.join(", ")}`,
        advice: "Other data sets are read from files.",
      });
  }
}

/**
 * "fashion-mnist-10k" with the names of its classes.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { assetUrl, loadFashionMnist10k } from "@anabranch/core";
 * const { test } = await loadFashionMnist10k((file) => readFile(assetUrl(file)));
 * test.features.shape; // => [2000, 1, 28, 28]
 * ```
 */
export async function loadFashionMnist10k(read: AssetReader): Promise<TrainTest<NamedDataset>> {
  const name = "fashion-mnist-10k";
  const [images, labels] = await Promise.all([
    read("fashion-mnist-10k-images-idx3-ubyte.gz"),
    read("fashion-mnist-10k-labels-idx1-ubyte.gz"),
  ]);
  const dataset = { ...readIdx(images, labels, { name, classes: 10 }), classNames: FASHION_MNIST_CLASSES };
  // all images are published test images; those of the test set are dealt to nobody
  return { ...splitByClass(dataset, 0.2, deriveKey(rootKey(SPLIT_SEED), "split")), testRows: "separate" };
}

const nodesKey = () => deriveKey(rootKey(SPLIT_SEED), "nodes");

/** The graph of the images that look alike. */
async function loadImageNeighbours(read: AssetReader): Promise<TrainTest<NamedDataset>> {
  const { test: images } = await loadFashionMnist10k(read);
  const small = { ...images, name: "image-neighbours", features: halved(images.features) };
  return splitByClass(neighbourGraph(small, { components: 64, neighbours: 10 }), TEST_NODES, nodesKey());
}

/** A question about each grid of four images, and an owner for each family. */
async function loadImageQuestions(read: AssetReader): Promise<TrainTest<NamedDataset>> {
  const images = await loadFashionMnist10k(read);
  const settings = { families: questionFamilies, ownersPerFamily: 1, gridsPerImage: 1 };
  const { train, test, ...rest } = imageQuestions(images, deriveKey(rootKey(SPLIT_SEED), "image-questions"), settings);
  return { ...rest, train: { ...train, name: "image-questions" }, test: { ...test, name: "image-questions (test)" } };
}

/** Images [n, 1, h, w] as sums of 2 x 2 pixels, [n, 1, h / 2, w / 2]: a fifth of the time for their principal components. */
function halved({ shape: [n = 0, , h = 0, w = 0], data }: HostTensor): HostTensor {
  const [rows, columns] = [h / 2, w / 2];
  const sums = new Float32Array(n * rows * columns);
  for (let k = 0; k < sums.length; k++) {
    const [row, column] = [Math.floor(k / columns), k % columns]; // rows of all images are numbered through
    const first = 2 * row * w + 2 * column;
    sums[k] = data[first]! + data[first + 1]! + data[first + w]! + data[first + w + 1]!;
  }
  return { dtype: "float", shape: [n, 1, rows, columns], data: sums };
}

/**
 * "tiny-shakespeare" with its vocabulary. `length`: characters in a window, T.
 *
 * @example
 * ```ts
 * import { loadTinyShakespeare } from "@anabranch/core";
 * // in a program: (file) => readFile(assetUrl(file))
 * const play = "ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n";
 * const { train } = await loadTinyShakespeare(async () => new TextEncoder().encode(play), 4);
 * train.groupNames; // => ["ROMEO", "JULIET"]
 * ```
 */
export async function loadTinyShakespeare(read: AssetReader, length = 80): Promise<TrainTest<TextDataset>> {
  const text = await read("tiny-shakespeare.txt.gz");
  return splitGroupTails(readTextBySpeaker(text, { name: "tiny-shakespeare", length }), 0.1);
}
