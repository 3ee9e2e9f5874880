import { AnabranchError } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { gunzip } from "./gunzip.ts";

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
 */
export function readTextBySpeaker(file: Uint8Array, options: TextOptions): TextDataset {
  const length = options.length ?? 80;
  const text = new TextDecoder().decode(gunzip(file, options.name)).replaceAll("\r\n", "\n");
  const speeches = [...joinSpeeches(text, options.name)].filter(([, spoken]) => spoken.length > length);
  if (!(Number.isInteger(length) && length >= 1) || speeches.length === 0) throw noWindows(options.name, length);
  const vocabulary = [...new Set(speeches.flatMap(([, spoken]) => [...new Set(spoken.split(""))]))].sort();
  if (vocabulary.length > 256) throw tooManyCharacters(options.name, vocabulary.length);
  const tokens = new Map(vocabulary.map((character, token) => [character, token]));
  const counts = speeches.map(([, spoken]) => Math.floor((spoken.length - 1) / length));
  const total = counts.reduce((a, b) => a + b, 0);
  const features = new Uint8Array(total * length);
  const labels = new Uint8Array(total * length);
  const groups = new Int32Array(total);
  let row = 0;
  for (const [speaker, [, spoken]] of speeches.entries()) {
    const encoded = Uint8Array.from(spoken.split(""), (character) => tokens.get(character)!);
    const used = counts[speaker]! * length;
    features.set(encoded.subarray(0, used), row * length);
    labels.set(encoded.subarray(1, used + 1), row * length);
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

/** What each speaker says in all, in order of first appearance. A block without a speaker's line goes on the last one. */
function joinSpeeches(text: string, where: string): Map<string, string> {
  const spoken = new Map<string, string>();
  let speaker: string | undefined;
  for (const block of text.split(/\n{2,}/)) {
    const trimmed = block.replace(/^\n+|\n+$/g, "");
    if (trimmed === "") continue;
    const name = /^([^\n:]+):(?:\n|$)/.exec(trimmed)?.[1];
    speaker = name ?? speaker;
    if (speaker === undefined) {
      throw new AnabranchError({
        code: "data/speaker",
        message: "the text does not begin with a speaker",
        where,
        received: JSON.stringify(trimmed.slice(0, 40)),
        expected: 'a line such as "First Citizen:"',
      });
    }
    const speech = name === undefined ? trimmed : trimmed.slice(name.length + 2);
    const before = spoken.get(speaker);
    spoken.set(speaker, before === undefined ? speech : `${before}\n${speech}`);
  }
  return spoken;
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
