import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { type ArrayDataset, exampleCount, selectRows } from "../dataset.ts";
import type { TrainTest } from "../split.ts";
import { groupsOf, numberClasses } from "./class-names.ts";
import { leafError } from "./leaf-error.ts";
import { characterWindows, hashedWords, type LeafExample, numberRows, tweetText } from "./leaf-features.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import type { ImageSize } from "./resize.ts";
import { decodeText } from "./text.ts";

/** A JSON file of a LEAF data set. */
export interface LeafFile {
  /** For errors. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface LeafOptions {
  readonly name: string;
  /** Rows of numbers are images of this size, [n, channels, height, width]; left out: [n, numbers]. */
  readonly size?: ImageSize;
  /** Features that words of texts are hashed to; default 1,024. */
  readonly words?: number;
  /** Order of the classes; default: sorted. Give the training set's when reading a test set. */
  readonly classNames?: readonly string[];
  /** Characters of windows; default: those that occur, sorted. Give the training set's when reading a test set. */
  readonly vocabulary?: readonly string[];
}

const leafFile = z.object({
  users: z.array(z.string()),
  num_samples: z.array(z.number()).optional(),
  user_data: z.record(z.string(), z.object({ x: z.array(z.unknown()), y: z.array(z.unknown()) })),
});

/**
 * A data set in the JSON layout of LEAF: { users, num_samples, user_data: { USER: { x, y } } }, in one file or several. Users
 * are the groups, in order of appearance. What x is decides the features:
 *
 * - numbers (FEMNIST): float [n, numbers], or images with `size`; y is the class.
 * - a text with one character as y (Shakespeare): windows of characters [n, T], labels [n, T] that are shifted by one.
 * - a list of texts (Sent140): its fifth is the tweet, else the last; counts of hashed words, float [n, words].
 *
 * S. Caldas et al., "LEAF: A Benchmark for Federated Settings", 2018, arXiv:1812.01097.
 *
 * @throws `data/leaf`, `data/empty`, `data/label`, `data/vocabulary`, `data/gzip`, `data/too-large`
 * @example
 * ```ts
 * import { readLeaf } from "@anabranch/core";
 * const json = { users: ["ann"], num_samples: [2], user_data: { ann: { x: [[0, 1], [1, 0]], y: [3, 5] } } };
 * const bytes = new TextEncoder().encode(JSON.stringify(json));
 * readLeaf([{ path: "all_data.json", bytes }], { name: "digits" }).classNames; // => ["3", "5"]
 * ```
 */
export function readLeaf(files: readonly LeafFile[], options: LeafOptions): ArrayDataset {
  return readFiles(files, options).dataset;
}

/**
 * Training and test files of a data set, with the classes and characters of both together.
 *
 * @throws as `readLeaf`
 *
 * @example
 * ```ts
 * import { readLeafSplit } from "@anabranch/core";
 * const file = (x: number[][], y: number[]) => {
 *   const json = { users: ["ann"], user_data: { ann: { x, y } } };
 *   return [{ path: "all_data.json", bytes: new TextEncoder().encode(JSON.stringify(json)) }];
 * };
 * const { train, test } = readLeafSplit(file([[0, 1]], [3]), file([[1, 0]], [5]), { name: "digits" });
 * train.classNames; // => ["3", "5"]
 * test.features.shape; // => [1, 2]
 * ```
 */
export function readLeafSplit(train: readonly LeafFile[], test: readonly LeafFile[], options: LeafOptions): TrainTest {
  const { dataset, counts } = readFiles([...train, ...test], options);
  const first = counts.slice(0, train.length).reduce((a, b) => a + b, 0);
  const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
  return {
    train: selectRows(dataset, rows(0, first)),
    test: selectRows(dataset, rows(first, exampleCount(dataset)), `${dataset.name} (test)`),
    testRows: "clients",
  };
}

/** The examples of all files, and how many each has. */
function readFiles(files: readonly LeafFile[], options: LeafOptions): { dataset: ArrayDataset; counts: number[] } {
  const owners: string[] = [];
  const examples: LeafExample[] = [];
  const counts = files.map((file) => {
    const before = examples.length;
    for (const [user, place, x, y] of examplesOf(file)) {
      requireAtMost(readerLimits.examples, examples.length + 1, "examples", options.name);
      owners.push(user);
      examples.push({ place, x, y });
    }
    return examples.length - before;
  });
  return { dataset: datasetOf(examples, owners, options), counts };
}

function datasetOf(examples: readonly LeafExample[], owners: readonly string[], options: LeafOptions): ArrayDataset {
  const { name } = options;
  const first = examples[0]?.x;
  if (first === undefined) throw noExamples(name);
  const groups = groupsOf(owners);
  if (typeof first === "string" && isCharacter(examples[0]!.y)) {
    return { name, ...characterWindows(examples, options.vocabulary, name), ...groups };
  }
  const isText =
    typeof first === "string" || (Array.isArray(first) && first.some((value) => typeof value === "string"));
  const features = isText
    ? hashedWords(examples.map(tweetText), options.words ?? 1024, name)
    : numberRows(examples, options.size, name);
  const classes = examples.map(({ y, place }) => className(y, place));
  const { labels, classNames } = numberClasses(classes, options.classNames, name);
  return { name, features, labels, classes: classNames.length, classNames, ...groups };
}

function* examplesOf({
  path,
  bytes,
}: LeafFile): Generator<readonly [user: string, place: string, x: unknown, y: unknown]> {
  const { users, num_samples: counts, user_data: data } = parsed(path, bytes);
  for (const [i, user] of users.entries()) {
    const place = `${path}, user ${JSON.stringify(user.slice(0, 80))}`;
    if (!Object.hasOwn(data, user)) throw leafError("a user has no data", place, "nothing", "an entry in user_data");
    const { x, y } = data[user]!;
    const count = counts?.[i] ?? x.length;
    if (x.length !== y.length || x.length !== count) {
      const received = `${x.length} x, ${y.length} y, num_samples ${counts?.[i] ?? "left out"}`;
      throw leafError("the numbers of examples of a user differ", place, received, "the same number");
    }
    for (const [at, value] of x.entries()) yield [user, `${place}, example ${at}`, value, y[at]];
  }
}

function parsed(path: string, bytes: Uint8Array): z.infer<typeof leafFile> {
  let json: unknown;
  try {
    json = JSON.parse(decodeText(bytes, path));
  } catch (cause) {
    if (cause instanceof AnabranchError) throw cause;
    const received = cause instanceof Error ? cause.message.slice(0, 120) : "";
    throw leafError("a file cannot be read as JSON", path, received, "a whole JSON file");
  }
  const { data, error } = leafFile.safeParse(json);
  if (data !== undefined) return data;
  const issue = error.issues[0]!;
  const place = issue.path.join(".").slice(0, 120) || "the whole file";
  throw leafError("a file does not have the layout of LEAF", path, `${place}: ${issue.message.slice(0, 120)}`, LAYOUT);
}

const LAYOUT = "{ users: [...], num_samples: [...], user_data: { USER: { x: [...], y: [...] } } }";

function isCharacter(value: unknown): boolean {
  return typeof value === "string" && [...value].length === 1 && !/^\d$/.test(value);
}

function className(y: unknown, place: string): string {
  if (typeof y === "number" || (typeof y === "string" && y !== "") || typeof y === "boolean") return String(y);
  throw leafError("an example has no class", place, JSON.stringify(y)?.slice(0, 80) ?? "nothing", "a number or a text");
}

function noExamples(name: string): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "there are no examples",
    where: name,
    expected: "LEAF files whose users have data",
  });
}
