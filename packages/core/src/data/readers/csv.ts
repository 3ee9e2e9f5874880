import { AnabranchError } from "@anabranch/engine";
import { type NamedDataset, numberClasses } from "./class-names.ts";
import { type CsvRow, parseCsv } from "./csv-table.ts";
import { gunzip } from "./gunzip.ts";

export interface CsvOptions {
  readonly name: string;
  /** Column with the class: a number or a name. */
  readonly label: string;
  /** Numeric feature columns in order; default: all but label and group. */
  readonly features?: readonly string[];
  /** Column with the natural owner (hospital, device). */
  readonly group?: string;
  /** Order of the classes; default: sorted. Give the training set's when reading a test set. */
  readonly classNames?: readonly string[];
  readonly delimiter?: string;
}

/**
 * A CSV file (UTF-8, plain or gzip) with a header row: one example a row, float features [n, columns]. The values are
 * kept as they are; scaling is part of the model.
 */
export function readCsv(file: Uint8Array, options: CsvOptions): NamedDataset {
  const where = options.name;
  const [header, ...rows] = parseCsv(new TextDecoder().decode(gunzip(file, where)), options.delimiter ?? ",", where);
  if (header === undefined || rows.length === 0) {
    throw new AnabranchError({
      code: "data/empty",
      message: "a CSV file has no examples",
      where,
      received: header === undefined ? "no rows" : "a header row only",
      expected: "a header row and one row for each example",
    });
  }
  checkWidths(header, rows, where);
  const columns = header.cells.map((name) => name.trim());
  const column = (name: string) => findColumn(columns, name, where);
  const labelAt = column(options.label);
  const groupAt = options.group === undefined ? -1 : column(options.group);
  const featureAt = options.features?.map(column) ?? [...columns.keys()].filter((i) => i !== labelAt && i !== groupAt);
  const labels = rows.map((row) => row.cells[labelAt]!.trim());
  const { labels: numbers, classNames } = numberClasses(
    labels,
    options.classNames,
    `${where}, column ${options.label}`,
  );
  return {
    name: options.name,
    features: { dtype: "float", shape: [rows.length, featureAt.length], data: values(rows, columns, featureAt, where) },
    labels: numbers,
    classes: classNames.length,
    classNames,
    ...(groupAt >= 0 && groupsOf(rows.map((row) => row.cells[groupAt]!.trim()))),
  };
}

/** Numbers owners in order of appearance. */
export function groupsOf(names: readonly string[]): { groups: Int32Array; groupNames: string[] } {
  const numbers = new Map<string, number>();
  const groups = Int32Array.from(names, (name) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name)!;
  });
  return { groups, groupNames: [...numbers.keys()] };
}

function values(rows: readonly CsvRow[], columns: string[], featureAt: number[], where: string): Float32Array {
  const data = new Float32Array(rows.length * featureAt.length);
  let next = 0;
  for (const row of rows) {
    for (const at of featureAt) {
      const cell = row.cells[at]!.trim();
      const value = cell === "" ? Number.NaN : Number(cell);
      if (!Number.isFinite(value)) {
        throw new AnabranchError({
          code: "data/csv-value",
          message: "a feature is not a number",
          where: `${where}, line ${row.line}, column ${columns[at]}`,
          received: JSON.stringify(cell),
          expected: "a finite number",
          advice: "Fill or remove missing values, or list the numeric columns under features.",
        });
      }
      data[next++] = value;
    }
  }
  return data;
}

function findColumn(columns: readonly string[], name: string, where: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  throw new AnabranchError({
    code: "data/column",
    message: "a column is missing",
    where,
    received: columns.join(", "),
    expected: `a column named ${JSON.stringify(name)}`,
  });
}

function checkWidths(header: CsvRow, rows: readonly CsvRow[], where: string): void {
  for (const row of rows) {
    if (row.cells.length === header.cells.length) continue;
    throw new AnabranchError({
      code: "data/csv-width",
      message: "a row has another number of cells than the header",
      where: `${where}, line ${row.line}`,
      received: `${row.cells.length} cells`,
      expected: `${header.cells.length} cells`,
    });
  }
}
