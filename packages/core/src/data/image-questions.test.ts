import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import {
  type ArrayDataset,
  assetUrl,
  checkDataset,
  datasetHash,
  imageQuestions,
  loadShippedDataset,
  type QuestionSettings,
  questionFamilies,
} from "./index.ts";

const SIDE = 8;
const CLASSES = 5;

/** Images of one grey level each, which is their number, so that a cell of a grid shows which image it is. */
function numberedImages(count: number, from: number, classNames?: readonly string[]): ArrayDataset {
  const data = new Uint8Array(count * SIDE * SIDE);
  for (let i = 0; i < count; i++) data.fill(from + i, i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
  return {
    name: "numbers",
    features: { dtype: "uint8", shape: [count, 1, SIDE, SIDE], data },
    labels: {
      dtype: "uint8",
      shape: [count],
      data: Uint8Array.from({ length: count }, (_, i) => (i + Math.floor(i / 5)) % 5),
    },
    classes: CLASSES,
    ...(classNames && { classNames }),
  };
}

const names = ["hat", "shoe", "bag", "belt", "Ankle boot"];
const images = { train: numberedImages(160, 0, names), test: numberedImages(80, 160, names) };
const all: QuestionSettings = { families: questionFamilies, ownersPerFamily: 1, gridsPerImage: 1 };

interface Read {
  /** Images of the cells, by number. */
  readonly cells: number[];
  readonly items: string[];
  readonly question: string;
  readonly answer: string;
  readonly owner: string;
}

/** An example as a person reads it, by the pixels and words alone. */
function read(set: ArrayDataset, part: ArrayDataset, from: number, row: number): Read {
  const size = SIDE * SIDE;
  const values = Array.from(set.features.data.slice(row * (size + 6), (row + 1) * (size + 6)));
  const half = SIDE / 2;
  const cells = [0, half, half * SIDE, half * SIDE + half].map((corner) => {
    const seen = new Set<number>();
    for (let y = 0; y < half; y++) for (let x = 0; x < half; x++) seen.add(values[corner + y * SIDE + x]!);
    expect(seen.size).toBe(1);
    return [...seen][0]!;
  });
  return {
    cells,
    items: cells.map((image) => part.classNames![part.labels.data[image - from]!]!),
    question: values
      .slice(size)
      .map((word) => set.text!.words[word]!)
      .join("|"),
    answer: set.classNames![set.labels.data[row]!]!,
    owner: set.groupNames![set.groups![row]!]!,
  };
}

/** All examples of a set. */
const readAll = (set: ArrayDataset, part: ArrayDataset, from: number) =>
  Array.from({ length: set.labels.data.length }, (_, row) => read(set, part, from, row));

const corners: Record<string, number> = { "top|left": 0, "top|right": 1, "bottom|left": 2, "bottom|right": 3 };

/** What a person would answer, with the family that asks so. */
function answered(question: string, items: readonly string[]): readonly [family: string, answer: string] {
  const count = (item: string) => items.reduce((sum, one) => sum + (one === item ? 1 : 0), 0);
  const where = /^which\|item\|is\|at\|(\w+\|\w+)$/.exec(question);
  if (where) return ["position", items[corners[where[1]!]!]!];
  const there = /^is\|there\|a\|([^|]+)\|_\|_$/.exec(question);
  if (there) return ["presence", items.includes(there[1]!) ? "yes" : "no"];
  const many = /^how\|many\|([^|]+)\|are\|there\|_$/.exec(question);
  if (many) return ["count", `${count(many[1]!)}`];
  const like = /^is\|(\w+\|\w+)\|like\|(\w+\|\w+)$/.exec(question);
  if (like) {
    const [one, other] = [corners[like[1]!]!, corners[like[2]!]!];
    expect(one).not.toBe(other);
    return ["sameness", items[one] === items[other] ? "yes" : "no"];
  }
  const more = /^are\|there\|more\|([^|]+)\|than\|([^|]+)$/.exec(question)!;
  expect(more[1]).not.toBe(more[2]);
  return ["comparison", count(more[1]!) > count(more[2]!) ? "yes" : "no"];
}

describe("questions about images", () => {
  it("have the answers that a reader of the grammar gives, in the family that owns them", () => {
    const { train, test } = imageQuestions(images, rootKey(1), { ...all, gridsPerImage: 20 });
    const examples = [...readAll(train, images.train, 0), ...readAll(test, images.test, 160)];
    expect(examples).toHaveLength(820);
    for (const { question, items, answer, owner } of examples)
      expect([owner, answer], question).toEqual(answered(question, items));
    // every answer occurs, and no family is answered by one word
    expect(new Set(examples.map(({ answer }) => answer))).toEqual(new Set(test.classNames));
    for (const family of questionFamilies) {
      const answers = examples.filter(({ owner }) => owner === family).map(({ answer }) => answer);
      const most = Math.max(...[...Map.groupBy(answers, (answer) => answer).values()].map(({ length }) => length));
      expect(most / answers.length, family).toBeLessThan(0.7);
    }
    for (const part of [train, test]) checkDataset(part);
    expect(test.text!.words).toHaveLength(17 + CLASSES);
  });

  it("show each image once, to one owner, and test images in test grids alone", () => {
    const { train, test } = imageQuestions(images, rootKey(2), { ...all, ownersPerFamily: 2 });
    const [known, unknown] = [readAll(train, images.train, 0), readAll(test, images.test, 160)];
    expect([known.length, unknown.length]).toEqual([40, 20]);
    const shown = known.flatMap(({ cells }) => cells);
    expect(new Set(shown).size).toBe(shown.length);
    expect(Math.max(...shown)).toBeLessThan(160);
    expect(Math.min(...unknown.flatMap(({ cells }) => cells))).toBeGreaterThanOrEqual(160);
    expect(train.groupNames).toHaveLength(10);
    expect(train.groupNames!.slice(0, 3)).toEqual(["position 1", "position 2", "presence 1"]);
    expect(new Set(test.groups).size).toBe(10);
  });

  it("keep images with their owners where these are in several grids", () => {
    const { train, test } = imageQuestions(images, rootKey(2), { ...all, gridsPerImage: 3 });
    const examples = readAll(train, images.train, 0);
    expect([examples.length, test.labels.data.length]).toEqual([120, 20]);
    const owners = new Map<number, Set<string>>();
    for (const { cells, owner } of examples)
      for (const image of cells) owners.set(image, (owners.get(image) ?? new Set()).add(owner));
    for (const held of owners.values()) expect(held.size).toBe(1);
    const times = Map.groupBy(
      examples.flatMap(({ cells }) => cells),
      (image) => image,
    );
    for (const list of times.values()) expect(list).toHaveLength(3);
  });

  it("average 2 x 2 pixels, rounded", () => {
    const data = Uint8Array.from({ length: 16 * 4 }, (_, i) => (i * 37 + i * i) % 256);
    const features = { dtype: "uint8", shape: [4, 1, 4, 4], data } as const;
    const labels = { dtype: "uint8", shape: [4], data: new Uint8Array(4) } as const;
    const one = { name: "one", features, labels, classes: 5 };
    const { train } = imageQuestions({ train: one, test: one }, rootKey(1), { ...all, families: ["presence"] });
    const grid = Array.from(train.features.data.slice(0, 16));
    const means = Array.from({ length: 4 }, (_, image) =>
      [0, 2, 8, 10].map((at) => {
        const pixel = (offset: number) => data[16 * image + at + offset]!;
        return Math.round((pixel(0) + pixel(1) + pixel(4) + pixel(5)) / 4);
      }),
    );
    const cells = [0, 2, 8, 10].map((at) => [grid[at]!, grid[at + 1]!, grid[at + 4]!, grid[at + 5]!]);
    const inOrder = (list: readonly number[][]) => list.map(String).sort();
    expect(inOrder(cells)).toEqual(inOrder(means));
  });

  it("follow from the key, and from nothing else", () => {
    const hashes = (seed: number) => {
      const { train, test } = imageQuestions(images, rootKey(seed), all);
      return [datasetHash(train), datasetHash(test)];
    };
    expect(hashes(1)).toEqual(hashes(1));
    expect(hashes(1)[0]).not.toBe(hashes(2)[0]);
    expect(hashes(1)[1]).not.toBe(hashes(2)[1]);
  });

  it("name items apart from numbers and words", () => {
    const digits = { train: numberedImages(80, 0), test: numberedImages(80, 0) };
    const { train } = imageQuestions(digits, rootKey(1), all);
    expect(train.classNames).toEqual([0, 1, 2, 3, 4].map((i) => `item ${i}`).concat("yes", "no", ..."01234"));
  });

  const { train } = images;
  it.each<[string, Partial<ArrayDataset>, Partial<QuestionSettings>]>([
    ["no families", {}, { families: [] }],
    ["more owners than images", {}, { ownersPerFamily: 9 }],
    ["four classes", { classes: 4 }, {}],
    ["more classes than words", { classes: 16 }, {}],
    ["numbers to predict", { labels: { ...train.labels, dtype: "float" } }, {}],
    ["an odd height", { features: { ...train.features, shape: [160, 1, 1, 64] } }, {}],
    ["colors", { features: { ...train.features, shape: [160, 4, 4, 4] } }, {}],
    ["rows of numbers", { features: { ...train.features, shape: [160, 64] } }, {}],
    ["floats", { features: { ...train.features, dtype: "float" } }, {}],
  ])("refuse %s", (_what, change, settings) => {
    const code = expect.objectContaining({ failure: expect.objectContaining({ code: "data/questions" }) });
    const data = { ...images, train: { ...train, ...change } };
    expect(() => imageQuestions(data, rootKey(1), { ...all, ...settings })).toThrow(code);
  });

  it("are the same for good", async () => {
    const { train, test, testRows } = await loadShippedDataset("image-questions", (file) => readFile(assetUrl(file)));
    expect([train.features.shape, test.features.shape, testRows]).toEqual([[2000, 790], [500, 790], "separate"]);
    expect(train.groupNames).toEqual([...questionFamilies]);
    expect([datasetHash(train), datasetHash(test)]).toMatchInlineSnapshot(`
      [
        "7c40a323ce104093",
        "a218865013251823",
      ]
    `);
  });
});
