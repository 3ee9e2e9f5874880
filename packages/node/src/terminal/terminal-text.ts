/** The only way of text to a terminal: everything that the command prints goes through one of these functions. */
import { jsonText, printable } from "@anabranch/core";
import { MARKS } from "./colours.ts";

/** Where text is written; `process.stdout` is one. */
export interface TextStream {
  write(text: string): unknown;
}

/** One line as a terminal may be given it: our colours as escape sequences, and nothing else that would steer it. */
export function terminalText(line: string): string {
  // a pattern with a group puts what it captures between the parts
  return line
    .split(MARKS)
    .map((part, i) => (i % 2 === 0 ? printable(part) : `\u001b[${part}m`))
    .join("");
}

/** Columns that a line takes, before or after `terminalText`'s replacements; East Asian wide letters are counted as one. */
export function textWidth(line: string): number {
  return [...line.replace(MARKS, "")].length;
}

export function writeLines(stream: TextStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(lines.map((line) => `${terminalText(line)}\n`).join(""));
}

/** A line without an end, for what the next output replaces. */
export function writePassing(stream: TextStream, line: string): void {
  stream.write(terminalText(line));
}

/** Removes a passing line. */
export function eraseLine(stream: TextStream): void {
  stream.write("\r\u001b[2K");
}

/** A document on lines of its own, or one line without `indent`. */
export function writeJson(stream: TextStream, value: unknown, indent?: number): void {
  stream.write(`${jsonText(value, indent)}\n`);
}
