import { AnabranchError } from "@anabranch/engine";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ArrayDataset } from "./dataset.ts";
import { instructions } from "./instructions.ts";
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
 * Object.keys(SHIPPED_DATASETS).length; // => 3
 * ```
 */
export const SHIPPED_DATASETS = ["fashion-mnist-10k", "instructions", "tiny-shakespeare"] as const;
export type ShippedDatasetName = (typeof SHIPPED_DATASETS)[number];

/** Fixed for good: it decides which images are test images, and which instructions there are. */
const SPLIT_SEED = 2017;

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
