import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { GrowingFloats } from "./growing-floats.ts";
import { leafError } from "./leaf-error.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import type { ImageSize } from "./resize.ts";

/** An example of a LEAF file with its place, for errors. */
export interface LeafExample {
  readonly place: string;
  readonly x: unknown;
  readonly y: unknown;
}

/** Rows of numbers as float [n, width], or [n, channels, height, width]. */
export function numberRows(examples: readonly LeafExample[], size: ImageSize | undefined, where: string): HostTensor {
  const width = lengthOf(examples[0]!);
  const values = new GrowingFloats(where);
  for (const example of examples) {
    const { x, place } = example;
    if (lengthOf(example) !== width) {
      throw leafError(
        "an example has another number of values than the first",
        place,
        `${lengthOf(example)}`,
        `${width}`,
      );
    }
    for (const value of Array.isArray(x) ? x : [x]) {
      if (typeof value !== "number" || !Number.isFinite(value)) {
        throw leafError("a value is not a number", place, JSON.stringify(value).slice(0, 80), "a finite number");
      }
      values.push(value);
    }
  }
  return { dtype: "float", shape: [examples.length, ...imageShape(width, size, where)], data: values.finish() };
}

function lengthOf({ x }: LeafExample): number {
  return Array.isArray(x) ? x.length : 1;
}

function imageShape(values: number, size: ImageSize | undefined, where: string): number[] {
  if (size === undefined) return [values];
  const { width, height } = size;
  const channels = values / (width * height);
  if (channels === 1 || channels === 3) return [channels, height, width];
  const expected = `${width * height} or ${3 * width * height} values for ${width} x ${height} pixels`;
  throw leafError("the examples do not have this size as images", where, `${values} values`, expected);
}

/**
 * Windows of characters as tokens: features [n, T], and as labels [n, T] the character after each, the last of which is y.
 *
 * @throws `data/vocabulary` for characters that are not in `known`, or too many of them
 */
export function characterWindows(
  examples: readonly LeafExample[],
  known: readonly string[] | undefined,
  where: string,
) {
  const length = String(examples[0]!.x).length;
  const texts = examples.map(({ x, y, place }) => {
    if (typeof x === "string" && typeof y === "string" && x.length === length && y.length === 1) return x + y;
    const expected = `${length} characters as x and one as y, as in the first example`;
    throw leafError(
      "an example is not a window of characters",
      place,
      JSON.stringify([x, y])?.slice(0, 80) ?? "",
      expected,
    );
  });
  const occurring = new Set<string>();
  for (const text of texts) for (const character of text.split("")) occurring.add(character);
  const vocabulary = known ?? [...occurring].sort();
  const tokens = new Map(vocabulary.map((character, token) => [character, token]));
  const unknown = [...occurring].filter((character) => !tokens.has(character));
  if (unknown.length > 0 || vocabulary.length > 256) throw wrongCharacters(unknown, vocabulary.length, where);
  requireAtMost(readerLimits.featureBytes, 2 * texts.length * length, "bytes of windows", where);
  const [features, labels] = [new Uint8Array(texts.length * length), new Uint8Array(texts.length * length)];
  for (const [row, text] of texts.entries()) {
    for (let i = 0; i < length; i++) {
      features[row * length + i] = tokens.get(text[i]!)!;
      labels[row * length + i] = tokens.get(text[i + 1]!)!;
    }
  }
  const shape = [texts.length, length];
  return {
    features: { dtype: "uint8", shape, data: features },
    labels: { dtype: "uint8", shape, data: labels },
    classes: vocabulary.length,
    vocabulary,
  } as const;
}

/** The text of an example: a text, or of a list of fields (id, date, query, user, text) the fifth, else the last. */
export function tweetText({ x, place }: LeafExample): string {
  const text: unknown = Array.isArray(x) ? (x[4] ?? x.at(-1)) : x;
  if (typeof text === "string") return text;
  throw leafError("an example has no text", place, JSON.stringify(text)?.slice(0, 80) ?? "nothing", "a text");
}

/**
 * Counts of words by the hash of each, float [n, features]. Words are runs of letters and digits in lower case. All clients
 * have the same features without a shared vocabulary.
 * K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009, arXiv:0902.2206 (without signs).
 */
export function hashedWords(texts: readonly string[], features: number, where: string): HostTensor {
  requireAtMost(readerLimits.columns, features, "features of words", where);
  requireAtMost(readerLimits.featureBytes, 4 * features * texts.length, "bytes of features", where);
  const data = new Float32Array(texts.length * features);
  for (const [row, text] of texts.entries()) {
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu))
      data[row * features + (fnv1a(word) % features)]!++;
  }
  return { dtype: "float", shape: [texts.length, features], data };
}

/** The 32-bit FNV-1a hash of a word in UTF-8. */
function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function wrongCharacters(unknown: readonly string[], size: number, where: string): AnabranchError {
  const shown = unknown.slice(0, 12).map((character) => JSON.stringify(character));
  return new AnabranchError({
    code: "data/vocabulary",
    message: "the characters do not fit the vocabulary",
    where,
    received: unknown.length > 0 ? shown.join(", ") : `${size} characters`,
    expected: unknown.length > 0 ? "characters of the training set" : "at most 256",
    advice: "Normalise the text (for example to ASCII) first.",
  });
}
