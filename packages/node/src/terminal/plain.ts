import { stripVTControlCharacters } from "node:util";

/** A text from outside (names, error messages) on one line and without anything that would steer the terminal. */
export function plainLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

/** Columns that a text without colours takes; East Asian wide letters are counted as one. */
export function textWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
