import { largest } from "@anabranch/engine";
import { textWidth } from "../terminal/terminal-text.ts";

const NO_BREAK_SPACE = "\u00a0";

/** A text that `wrap` keeps on one line where it can. */
export function together(text: string): string {
  return text.replaceAll(" ", NO_BREAK_SPACE);
}

/** Breaks a text at spaces into lines of at most `width`; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => line.replaceAll(NO_BREAK_SPACE, " "));
}

/** Pairs of a label and a text as two columns; texts are wrapped and stay in their column. */
export function labelled(pairs: readonly (readonly [string, string])[], width: number, indent = "  "): string[] {
  const column =
    largest(
      pairs.map(([label]) => textWidth(label)),
      0,
    ) + 2;
  return pairs.flatMap(([label, text]) =>
    wrap(text, Math.max(20, width - indent.length - column)).map(
      (line, i) => indent + padEnd(i === 0 ? label : "", column) + line,
    ),
  );
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - textWidth(text))) + text;
}

/** A column of a table. The last one may be wrapped. */
export interface Column {
  readonly head: string;
  readonly right?: boolean;
}

/** Rows under a head, columns two spaces apart; cells of the last column are wrapped to fit `width`. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map(({ head }, c) =>
    largest(
      rows.map((row) => textWidth(row[c] ?? "")),
      head.length,
    ),
  );
  const before = widths.slice(0, -1).reduce((sum, w) => sum + w + 2, 0);
  const last = columns.length - 1;
  const room = Math.max(24, width - before);
  const line = (cells: readonly string[]) => {
    const [first = "", ...more] = columns[last]?.right === true ? [cells[last] ?? ""] : wrap(cells[last] ?? "", room);
    const shown = [...cells.slice(0, last), first];
    const padded = shown.map((cell, c) => (columns[c]?.right ? padStart(cell, widths[c]!) : padEnd(cell, widths[c]!)));
    return [padded.join("  ").trimEnd(), ...more.map((text) => " ".repeat(before) + text)];
  };
  return [...line(columns.map(({ head }) => head)), ...rows.flatMap(line)];
}
