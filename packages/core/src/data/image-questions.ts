import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, type RandomStream, randomStream } from "../random/index.ts";
import { type ArrayDataset, exampleCount } from "./dataset.ts";
import {
  drawQuestion,
  MOST_ITEMS,
  QUESTION_WORDS,
  type QuestionFamily,
  questionAnswers,
  questionWords,
} from "./question-grammar.ts";
import type { NamedDataset } from "./readers/class-names.ts";
import type { TrainTest } from "./split.ts";

/** Which questions are generated about images. */
export interface QuestionSettings {
  readonly families: readonly QuestionFamily[];
  /** Each has images of its own. */
  readonly ownersPerFamily: number;
  /** Training grids that an image is in. */
  readonly gridsPerImage: number;
}

/**
 * Grids of four images with a question about them each, out of a closed grammar, and one of a few answers: real images,
 * generated questions. Features [n, h * w + 6] uint8 are the pixels of a grid, whose images are averaged over 2 x 2 pixels,
 * and the numbers of six words. Labels [n] are answers: an item, "yes", "no", or "0" to "4". `groups` is the family of the
 * question, or one of its owners. Every image is dealt to one owner, and test grids are made of test images alone.
 *
 * The cells of a grid have one of two items each, so that "yes" is about as frequent as "no", and counts differ. With one grid
 * per image, no image is in two examples.
 *
 * The function split of H. Chen et al., "FedDAT: An Approach for Foundation Model Finetuning in Multi-Modal Heterogeneous
 * Federated Learning", AAAI 2024, arXiv:2308.12305, in small.
 *
 * @param key decides which images meet, and what is asked
 * @throws `data/questions` for other data than grey images of an even height and width in 5 to 15 classes, or too few of them
 * @example
 * ```ts
 * import { imageQuestions, rootKey, syntheticDataset } from "@anabranch/core";
 * const images = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 5, examples: 40 });
 * const settings = { families: ["position", "count"], ownersPerFamily: 1, gridsPerImage: 1 } as const;
 * imageQuestions({ train: images, test: images }, rootKey(1), settings).train.features.shape; // => [10, 70]
 * ```
 */
export function imageQuestions(data: TrainTest, key: RandomKey, settings: QuestionSettings): TrainTest<NamedDataset> {
  const { train, test } = data;
  requireImages(train, settings);
  requireImages(test, settings);
  const part = (images: ArrayDataset, name: string, gridsPerImage: number) =>
    questionsAbout(images, itemNames(train), deriveKey(key, name), { ...settings, gridsPerImage });
  return { ...data, train: part(train, "train", settings.gridsPerImage), test: part(test, "test", 1) };
}

function questionsAbout(
  images: ArrayDataset,
  items: readonly string[],
  key: RandomKey,
  { families, ownersPerFamily, gridsPerImage }: QuestionSettings,
): NamedDataset {
  const stream = randomStream(key);
  const order = permutation(stream, exampleCount(images));
  const owners = families.length * ownersPerFamily;
  const held = Array.from({ length: owners }, (_, owner) => ownImages(order, owner, owners));
  const dealt = held.map((rows) => Array.from({ length: gridsPerImage }, () => dealGrids(images, rows, stream)).flat());
  const count = dealt.reduce((sum, grids) => sum + grids.length, 0);
  const [, , height, width] = images.features.shape as [number, number, number, number];
  const size = height * width + QUESTION_WORDS;
  const features = new Uint8Array(count * size);
  const labels = new Uint8Array(count);
  const groups = new Int32Array(count);
  let row = 0;
  for (const [owner, grids] of dealt.entries()) {
    const family = families[Math.floor(owner / ownersPerFamily)]!;
    for (const grid of grids) {
      const example = features.subarray(row * size, (row + 1) * size);
      for (const [cell, image] of grid.entries()) putImage(images.features, image, cell, example);
      const shown = grid.map((image) => images.labels.data[image]!);
      const { words, answer } = drawQuestion(family, shown, items.length, stream);
      example.set(words, height * width);
      labels[row] = answer;
      groups[row++] = owner;
    }
  }
  return {
    name: `${images.name}, questions`,
    features: { dtype: "uint8", shape: [count, size], data: features },
    labels: { dtype: "uint8", shape: [count], data: labels },
    classes: items.length + 7,
    classNames: questionAnswers(items),
    text: { length: QUESTION_WORDS, words: questionWords(items) },
    groups,
    groupNames: families.flatMap((family) =>
      Array.from({ length: ownersPerFamily }, (_, i) => (ownersPerFamily === 1 ? family : `${family} ${i + 1}`)),
    ),
  };
}

/** An equal share of the images. */
function ownImages(order: Int32Array, owner: number, owners: number): number[] {
  const from = (part: number) => Math.floor((part * order.length) / owners);
  return Array.from(order.subarray(from(owner), from(owner + 1)));
}

/** Grids of four rows each, with two classes at most as long as there are enough images of them. No row is in two grids. */
function dealGrids({ labels, classes }: ArrayDataset, rows: readonly number[], stream: RandomStream): number[][] {
  const left = Array.from({ length: classes }, (): number[] => []);
  for (const at of permutation(stream, rows.length)) left[labels.data[rows[at]!]!]!.push(rows[at]!);
  /** The class of an image that is left, each as likely as another. */
  const draw = (besides?: number) => {
    const sizes = left.map(({ length }, item) => (item === besides ? 0 : length));
    const all = sizes.reduce((sum, size) => sum + size, 0);
    if (all === 0) return besides!;
    let place = stream.below(all);
    return sizes.findIndex((size) => {
      place -= size;
      return place < 0;
    });
  };
  return Array.from({ length: Math.floor(rows.length / 4) }, () => {
    const first = draw();
    const kinds = [first, draw(first)];
    return Array.from({ length: 4 }, () => {
      const wanted = stream.below(2);
      const kind = [kinds[wanted]!, kinds[1 - wanted]!].find((item) => left[item]!.length > 0);
      return left[kind ?? draw()]!.pop()!;
    });
  });
}

/** Writes the means of 2 x 2 pixels of an image into a cell of a grid [h * w]. */
function putImage({ shape, data }: HostTensor, image: number, cell: number, grid: Uint8Array): void {
  const [, , height, width] = shape as [number, number, number, number];
  const [rows, columns] = [height / 2, width / 2];
  const first = Math.floor(cell / 2) * rows * width + (cell % 2) * columns;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = image * height * width + 2 * row * width + 2 * column;
      const sum = data[from]! + data[from + 1]! + data[from + width]! + data[from + width + 1]!;
      grid[first + row * width + column] = Math.floor((sum + 2) / 4);
    }
  }
}

/** Names of items, none of which is an answer or a word of the grammar, too. */
function itemNames(images: ArrayDataset): string[] {
  const names = Array.from({ length: images.classes }, (_, item) => images.classNames?.[item] ?? String(item));
  const taken = new Set([...questionAnswers([]), ...questionWords([])]);
  return names.some((name) => taken.has(name)) ? names.map((name) => `item ${name}`) : names;
}

function requireImages(images: ArrayDataset, { families, ownersPerFamily, gridsPerImage }: QuestionSettings): void {
  const { features, labels, classes, name } = images;
  const [count, channels, height, width] = features.shape;
  const owners = families.length * ownersPerFamily;
  const isGrey = features.dtype === "uint8" && features.shape.length === 4 && channels === 1;
  const hasClasses = labels.shape.length === 1 && labels.dtype !== "float" && classes >= 5 && classes <= MOST_ITEMS;
  const isEnough = owners >= 1 && gridsPerImage >= 1 && count! >= 4 * owners;
  if (isGrey && height! % 2 === 0 && width! % 2 === 0 && hasClasses && isEnough) return;
  throw new AnabranchError({
    code: "data/questions",
    message: "no questions can be generated about these images",
    where: `data.questions, data set ${name}`,
    received: `${count} examples ${features.dtype}[${features.shape.slice(1).join(", ")}] in ${classes} classes, ${owners} owners`,
    expected: `uint8[1, h, w] with even h and w, in 5 to ${MOST_ITEMS} classes, and four images per owner`,
    advice: "Choose grey images such as fashion-mnist-10k, or fewer owners.",
  });
}
