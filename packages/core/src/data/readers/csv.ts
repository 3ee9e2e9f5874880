import { AnabranchError } from "@anabranch/engine";
import { type NamedDataset, numberClasses } from "./class-names.ts";
import { type CsvRow, parseCsv } from "./csv-table.ts";
import { GrowingFloats } from "./growing-floats.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { decodeText, listed } from "./text.ts";

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
 *
 * @throws `data/csv-syntax`, `data/csv-width`, `data/csv-value`, `data/column`, `data/empty`, `data/label`, `data/gzip`,
 * `data/too-large`, `data/option` for an impossible delimiter
 */
export function readCsv(file: Uint8Array, options: CsvOptions): NamedDataset {
  const where = options.name;
  const delimiter = options.delimiter ?? ",";
  if (/^$|["\r\n]/.test(delimiter)) throw wrongDelimiter(where, delimiter);
  const rows = parseCsv(decodeText(file, where), delimiter, where);
  const header = rows.next();
  if (header.done) throw noExamples(where, "no rows");
  const columns = header.value.cells.map((name) => name.trim());
  const column = (name: string) => findColumn(columns, name, where);
  const labelAt = column(options.label);
  const groupAt = options.group === undefined ? -1 : column(options.group);
  const featureAt = options.features?.map(column) ?? [...columns.keys()].filter((i) => i !== labelAt && i !== groupAt);
  const labels: string[] = [];
  const groups: string[] = [];
  const features = new GrowingFloats(where);
  for (const row of rows) {
    checkWidth(row, columns.length, where);
    labels.push(row.cells[labelAt]!.trim());
    requireAtMost(readerLimits.examples, labels.length, "rows", where);
    if (groupAt >= 0) groups.push(row.cells[groupAt]!.trim());
    for (const at of featureAt) features.push(numberIn(row, columns, at, where));
  }
  if (labels.length === 0) throw noExamples(where, "a header row only");
  const labelPlace = `${where}, column ${options.label}`;
  const { labels: numbers, classNames } = numberClasses(labels, options.classNames, labelPlace);
  return {
    name: options.name,
    features: { dtype: "float", shape: [labels.length, featureAt.length], data: features.finish() },
    labels: numbers,
    classes: classNames.length,
    classNames,
    ...(groupAt >= 0 && groupsOf(groups)),
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

function numberIn(row: CsvRow, columns: readonly string[], at: number, where: string): number {
  const cell = row.cells[at]!.trim();
  const value = cell === "" ? Number.NaN : Number(cell);
  if (Number.isFinite(value)) return value;
  throw new AnabranchError({
    code: "data/csv-value",
    message: "a feature is not a number",
    where: `${where}, line ${row.line}, column ${columns[at]}`,
    received: JSON.stringify(cell.slice(0, 80)),
    expected: "a finite number",
    advice: "Fill or remove missing values, or list the numeric columns under features.",
  });
}

function findColumn(columns: readonly string[], name: string, where: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  throw new AnabranchError({
    code: "data/column",
    message: "a column is missing",
    where,
    received: listed(columns),
    expected: `a column named ${JSON.stringify(name)}`,
  });
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

function noExamples(where: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "a CSV file has no examples",
    where,
    received,
    expected: "a header row and one row for each example",
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
