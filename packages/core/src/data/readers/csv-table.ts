import { AnabranchError } from "@anabranch/engine";

/** A row of a CSV file with the line it starts on, from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Splits CSV text into rows and cells (RFC 4180: quoted cells may hold delimiters, line breaks and doubled quotes; LF
 * or CRLF). Empty lines are skipped.
 */
export function parseCsv(text: string, delimiter: string, where: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let line = 1;
  let startLine = 1;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, where, line) : plainCell(text, at, delimiter);
    cells.push(cell.value);
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
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: startLine, cells });
    cells = [];
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    startLine = ++line;
  }
  return rows;
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
  let value = "";
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw syntaxError(where, line, "a quoted cell without a closing quote");
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1, lines: value.split("\n").length - 1 };
    value += '"';
    from = quote + 2;
  }
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
