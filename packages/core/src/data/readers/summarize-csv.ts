import { isMissing, numberIn } from "../tables/table-options.ts";
import { parseCsv } from "./csv-table.ts";
import { decodeText } from "./text.ts";

/** A column of a table, before anything is decided about it. */
export interface ColumnSummary {
  readonly name: string;
  /** Whether each value that is there is a number. */
  readonly isNumeric: boolean;
  /** Rows without a value. */
  readonly missing: number;
  /** Different values and how many rows have each; further values are not listed. */
  readonly values: ReadonlyMap<string, number>;
}

/** A table, before anything is decided about it. */
export interface CsvSummary {
  readonly delimiter: string;
  readonly rows: number;
  readonly columns: readonly ColumnSummary[];
}

const DELIMITERS = [",", ";", "\t", "|"];
/** Different values of a column that are kept. */
const MOST_VALUES = 10_000;

/**
 * What a CSV file (UTF-8, plain or gzip) with a header row has in its columns. The delimiter is the one that divides the
 * header into most names.
 *
 * @param where name of the file in errors
 * @throws `data/csv-syntax`, `data/gzip`, `data/too-large`
 * @example
 * ```ts
 * import { summarizeCsv } from "@anabranch/core";
 * const file = new TextEncoder().encode("age;sick\n61;yes\n;no\n");
 * const { delimiter, rows, columns } = summarizeCsv(file, "patients.csv");
 * [delimiter, rows]; // => [";", 2]
 * [columns[0]?.isNumeric, columns[0]?.missing]; // => [true, 1]
 * ```
 */
export function summarizeCsv(file: Uint8Array, where: string): CsvSummary {
  const text = decodeText(file, where);
  const headers = DELIMITERS.map((delimiter) => headerOf(text, delimiter, where));
  const delimiter = DELIMITERS[headers.indexOf(headers.toSorted((a, b) => b.length - a.length)[0]!)]!;
  const rows = parseCsv(text, delimiter, where);
  const header: { cells?: readonly string[] } = rows.next().value ?? {};
  const columns = (header.cells ?? []).map((name) => ({
    name: name.trim(),
    isNumeric: true,
    missing: 0,
    values: new Map<string, number>(),
  }));
  let count = 0;
  for (const { cells } of rows) {
    count++;
    for (const [at, column] of columns.entries()) {
      const cell = cells[at];
      if (isMissing(cell)) column.missing++;
      else add(column, cell!.trim());
    }
  }
  return { delimiter, rows: count, columns };
}

function add(column: { isNumeric: boolean; readonly values: Map<string, number> }, value: string): void {
  column.isNumeric &&= !Number.isNaN(numberIn(value));
  const seen = column.values.get(value) ?? 0;
  if (seen > 0 || column.values.size < MOST_VALUES) column.values.set(value, seen + 1);
}

function headerOf(text: string, delimiter: string, where: string): readonly string[] {
  const first: { cells?: readonly string[] } = parseCsv(text, delimiter, where).next().value ?? {};
  return first.cells ?? [];
}
