import { AnabranchError } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { decodeText } from "./text.ts";

/** Windows of characters for next-character prediction; classes = size of the vocabulary. */
export interface TextDataset extends ArrayDataset {
  /** Character of each token, sorted by code unit. */
  readonly vocabulary: readonly string[];
}

export interface TextOptions {
  readonly name: string;
  /** Characters in a window, T. */
  readonly length?: number;
}

/**
 * A play as plain text (UTF-8, plain or gzip): blocks divided by empty lines, each a line "SPEAKER:" and what is said.
 * The speeches of one speaker are joined and cut into windows: features [n, T] uint8 tokens, labels [n, T] the token
 * that follows each. Windows do not overlap (the last label of one is the first token of the next) and come in the
 * order of the text; `groups` is the speaker. A rest shorter than a window is left out, and so is a speaker who never
 * fills one.
 *
 * @example
 * ```ts
 * import { readTextBySpeaker } from "@anabranch/core";
 * const play = new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n");
 * readTextBySpeaker(play, { name: "play", length: 4 }).groupNames; // => ["ROMEO", "JULIET"]
 * ```
 */
export function readTextBySpeaker(file: Uint8Array, options: TextOptions): TextDataset {
  const length = options.length ?? 80;
  const text = decodeText(file, options.name).replaceAll("\r\n", "\n");
  const speeches = [...joinSpeeches(text, options.name)].filter(([, spoken]) => spoken.length > length);
  if (!(Number.isInteger(length) && length >= 1) || speeches.length === 0) throw noWindows(options.name, length);
  const { vocabulary, tokens } = numberCharacters(speeches.map(([, spoken]) => spoken));
  if (vocabulary.length > 256) throw tooManyCharacters(options.name, vocabulary.length);
  const counts = speeches.map(([, spoken]) => Math.floor((spoken.length - 1) / length));
  const total = counts.reduce((a, b) => a + b, 0);
  requireAtMost(readerLimits.examples, total, "windows", options.name);
  const features = new Uint8Array(total * length);
  const labels = new Uint8Array(total * length);
  const groups = new Int32Array(total);
  let row = 0;
  for (const [speaker, [, spoken]] of speeches.entries()) {
    const used = counts[speaker]! * length;
    for (let i = 0; i < used; i++) {
      features[row * length + i] = tokens[spoken.charCodeAt(i)]!;
      labels[row * length + i] = tokens[spoken.charCodeAt(i + 1)]!;
    }
    groups.fill(speaker, row, row + counts[speaker]!);
    row += counts[speaker]!;
  }
  return {
    name: options.name,
    features: { dtype: "uint8", shape: [total, length], data: features },
    labels: { dtype: "uint8", shape: [total, length], data: labels },
    classes: vocabulary.length,
    groups,
    groupNames: speeches.map(([speaker]) => speaker),
    vocabulary,
  };
}

/** The characters of texts, sorted by code unit, and the number of each by its code unit. */
function numberCharacters(texts: readonly string[]): { vocabulary: string[]; tokens: Uint8Array } {
  const occurs = new Uint8Array(65_536);
  for (const text of texts) for (let i = 0; i < text.length; i++) occurs[text.charCodeAt(i)] = 1;
  const vocabulary: string[] = [];
  const tokens = new Uint8Array(65_536);
  for (const [code, found] of occurs.entries()) {
    if (found === 0) continue;
    tokens[code] = vocabulary.length;
    vocabulary.push(String.fromCharCode(code));
  }
  return { vocabulary, tokens };
}

/** What each speaker says in all, in order of first appearance. A block without a speaker's line goes on the last one. */
function joinSpeeches(text: string, where: string): Map<string, string> {
  const spoken = new Map<string, string>();
  let speaker: string | undefined;
  for (const block of blocksOf(text)) {
    const name = speakerOf(block);
    speaker = name ?? speaker;
    if (speaker === undefined) {
      throw new AnabranchError({
        code: "data/speaker",
        message: "the text does not begin with a speaker",
        where,
        received: JSON.stringify(block.slice(0, 40)),
        expected: 'a line such as "First Citizen:"',
      });
    }
    const speech = name === undefined ? block : block.slice(name.length + 2);
    const before = spoken.get(speaker);
    spoken.set(speaker, before === undefined ? speech : `${before}\n${speech}`);
  }
  return spoken;
}

/**
 * The parts of a text between empty lines, without line breaks around them. By hand, as a regular expression overflows the
 * stack on a line of some megabytes.
 */
function* blocksOf(text: string): Generator<string> {
  for (let start = 0; ; ) {
    while (text[start] === "\n") start++;
    if (start === text.length) return;
    const end = text.indexOf("\n\n", start);
    if (end < 0) return yield text.slice(start, text.endsWith("\n") ? -1 : undefined);
    yield text.slice(start, end);
    start = end;
  }
}

/** The name in a first line "NAME:" with no other colon in it. */
function speakerOf(block: string): string | undefined {
  const lineEnd = block.indexOf("\n");
  const colon = (lineEnd < 0 ? block.length : lineEnd) - 1;
  return colon > 0 && block.indexOf(":") === colon ? block.slice(0, colon) : undefined;
}

function noWindows(where: string, length: number): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "no speaker fills a window",
    where,
    received: `length ${length}`,
    expected: "an integer length below the number of characters of some speaker",
  });
}

function tooManyCharacters(where: string, size: number): AnabranchError {
  return new AnabranchError({
    code: "data/vocabulary",
    message: "the text has too many different characters for one byte a token",
    where,
    received: String(size),
    expected: "at most 256",
    advice: "Normalise the text (for example to ASCII) first.",
  });
}
