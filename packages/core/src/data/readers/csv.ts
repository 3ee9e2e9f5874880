import { AnabranchError } from "@anabranch/engine";
import { noExamples, readTable, type TableColumns, type TableDataset } from "../tables/read-table.ts";
import type { TableRow } from "../tables/table-options.ts";
import { type CsvRow, parseCsv } from "./csv-table.ts";
import { decodeText } from "./text.ts";

export interface CsvOptions extends TableColumns {
  readonly delimiter?: string;
}

/**
 * A CSV file (UTF-8, plain or gzip) with a header row: one example per row, float features [n, width]. A column of numbers
 * is one feature, a column of text one feature for each category (`TableOptions`).
 *
 * @throws `data/csv-syntax`, `data/csv-width`, `data/csv-value`, `data/column`, `data/category`, `data/empty`,
 * `data/label`, `data/gzip`, `data/too-large`, `data/option` for an impossible delimiter
 * @example
 * ```ts
 * import { readCsv } from "@anabranch/core";
 * const file = new TextEncoder().encode("age,site,sick\n61,north,yes\n35,south,no\n");
 * const { features, classNames } = readCsv(file, { name: "patients.csv", label: "sick", group: "site" });
 * features.shape; // => [2, 1]
 * classNames; // => ["no", "yes"]
 * ```
 */
export function readCsv(file: Uint8Array, options: CsvOptions): TableDataset {
  const where = options.name;
  const delimiter = options.delimiter ?? ",";
  if (/^$|["\r\n]/.test(delimiter)) throw wrongDelimiter(where, delimiter);
  const rows = parseCsv(decodeText(file, where), delimiter, where);
  const header = rows.next();
  if (header.done) throw noExamples(where, "no rows");
  const columns = header.value.cells.map((name) => name.trim());
  return readTable({ where, columns, rows: tableRows(rows, columns.length, where), code: "data/csv-value" }, options);
}

function* tableRows(rows: Iterable<CsvRow>, width: number, where: string): Generator<TableRow> {
  for (const row of rows) {
    checkWidth(row, width, where);
    yield { place: `line ${row.line}`, cells: row.cells };
  }
}

function checkWidth(row: CsvRow, width: number, where: string): void {
  if (row.cells.length === width) return;
  throw new AnabranchError({
    code: "data/csv-width",
    message: "a row has another number of cells than the header",
    where: `${where}, line ${row.line}`,
    received: `${row.cells.length} cells`,
    expected: `${width} cells`,
  });
}

function wrongDelimiter(where: string, delimiter: string): AnabranchError {
  return new AnabranchError({
    code: "data/option",
    message: "the delimiter of a CSV file is impossible",
    where,
    received: JSON.stringify(delimiter),
    expected: "one character or more, without quotes and line breaks",
  });
}
