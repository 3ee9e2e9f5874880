import { AnabranchError } from "@anabranch/engine";
import { readerLimits, requireAtMost } from "./limits.ts";

/** A row of a CSV file with the line it starts on, from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Splits CSV text into rows and cells (RFC 4180: quoted cells may hold delimiters, line breaks and doubled quotes; LF
 * or CRLF). Empty lines are skipped. Rows come one by one, so that a table need not be in memory as text.
 *
 * @throws `data/csv-syntax`, `data/too-large` for a row of too many cells
 */
export function* parseCsv(text: string, delimiter: string, where: string): Generator<CsvRow> {
  let cells: string[] = [];
  let line = 1;
  let startLine = 1;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, where, line) : plainCell(text, at, delimiter);
    cells.push(cell.value);
    requireAtMost(readerLimits.columns, cells.length, "cells", `${where}, line ${line}`);
    line += cell.lines;
    at = cell.end;
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length;
      // A delimiter at the very end opens one more, empty cell.
      if (at === text.length) cells.push("");
      else continue;
    } else if (at < text.length && text[at] !== "\n" && text[at] !== "\r") {
      throw syntaxError(where, line, `text after a closing quote: ${JSON.stringify(text.slice(at, at + 10))}`);
    }
    if (cells.length > 1 || cells[0] !== "") yield { line: startLine, cells };
    cells = [];
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    startLine = ++line;
  }
}

interface Cell {
  readonly value: string;
  /** Index of the character after the cell. */
  readonly end: number;
  /** Line breaks inside. */
  readonly lines: number;
}

function plainCell(text: string, start: number, delimiter: string): Cell {
  let end = start;
  while (end < text.length && text[end] !== "\n" && text[end] !== "\r" && !text.startsWith(delimiter, end)) end++;
  return { value: text.slice(start, end), end, lines: 0 };
}

function quotedCell(text: string, start: number, where: string, line: number): Cell {
  const pieces: string[] = [];
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw syntaxError(where, line, "a quoted cell without a closing quote");
    const isDoubled = text[quote + 1] === '"';
    pieces.push(text.slice(from, isDoubled ? quote + 1 : quote));
    from = quote + 2;
    if (isDoubled) continue;
    const value = pieces.join("");
    return { value, end: quote + 1, lines: lineBreaksIn(value) };
  }
}

function lineBreaksIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function syntaxError(where: string, line: number, received: string): AnabranchError {
  return new AnabranchError({
    code: "data/csv-syntax",
    message: "a CSV file cannot be split into cells",
    where: `${where}, line ${line}`,
    received,
    expected: 'cells, or cells in "..." with quotes inside doubled',
  });
}
