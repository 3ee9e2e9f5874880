import { AnabranchError, type HostTensor } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { groupsOf, numberClasses } from "../readers/class-names.ts";
import { GrowingFloats } from "../readers/growing-floats.ts";
import { readerLimits, requireAtMost } from "../readers/limits.ts";
import { type ColumnPlace, ColumnReader, writeColumn } from "./column.ts";
import { featureCount, type TableEncoding } from "./encoding.ts";
import { standardizeTable } from "./standardize.ts";
import { type Cell, findColumn, isMissing, numberIn, type TableOptions, type TableRow } from "./table-options.ts";

/** A table whose rows come one by one. */
export interface Table {
  /** The file, for errors. */
  readonly where: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<TableRow>;
  /** Code of errors about values, e.g. "data/csv-value". */
  readonly code: string;
}

/** What the columns of a table are. */
export interface TableColumns {
  readonly name: string;
  /** Column with the class, or with the number to predict. */
  readonly label: string;
  /**
   * Feature columns in order; default: all but label and group, or those of `encoding`. With `encoding`: this file's names
   * of the same columns.
   */
  readonly features?: readonly string[];
  /** Column with the natural owner (hospital, device). */
  readonly group?: string;
  /** Order of the classes; default: sorted. Give the training set's when reading a test set. */
  readonly classNames?: readonly string[];
  /** How the columns of the training file became features; give it when reading another file. */
  readonly encoding?: TableEncoding;
  /** How columns become features where there is no encoding yet. */
  readonly table?: TableOptions;
}

/** A data set from a table. */
export interface TableDataset extends ArrayDataset {
  readonly table: TableEncoding;
}

/**
 * The examples of a table: float features [n, width], with labels that are classes, or numbers as float [n].
 *
 * @throws `data/column`, `data/empty`, `data/label`, `data/category`, `data/too-large`, and the table's code for a value
 *   that is missing or no number, with its row and column
 */
export function readTable(source: Table, options: TableColumns): TableDataset {
  const { where, columns, code } = source;
  const { encoding, table = {} } = options;
  const column = (name: string) => findColumn(columns, name, where);
  const labelAt = column(options.label);
  const groupAt = options.group === undefined ? -1 : column(options.group);
  const featureAt = featureColumns(source, options, [labelAt, groupAt]);
  for (const name of [...(table.oneHot ?? []), ...Object.keys(table.categories ?? {})]) column(name);
  const readers = featureAt.map((at, i) => {
    const known = encoding?.columns[i];
    return new ColumnReader({ where, code, name: columns[at]! }, table, known);
  });
  const labels = new LabelReader({ where, code, name: options.label }, table.target ?? "class");
  const groups: string[] = [];
  let count = 0;
  for (const { cells, place } of source.rows) {
    requireAtMost(readerLimits.examples, ++count, "rows", where);
    labels.push(cells[labelAt], place);
    if (groupAt >= 0) groups.push(String(cells[groupAt] ?? "").trim());
    for (const [i, at] of featureAt.entries()) readers[i]!.push(cells[at], place);
  }
  if (count === 0) throw noExamples(where, "a header row only");
  const encoded = readers.map((reader) => reader.finish());
  const found: TableEncoding = encoding ?? { columns: encoded.map((each) => each.encoding) };
  const width = found.columns.reduce((sum, each) => sum + featureCount(each), 0);
  requireAtMost(readerLimits.columns, width, "features in a row", where);
  requireAtMost(readerLimits.featureBytes, 4 * count * width, "bytes of features", where);
  const features = new Float32Array(count * width);
  let first = 0;
  for (const each of encoded) {
    writeColumn(features, each, first, width);
    first += featureCount(each.encoding);
  }
  const dataset = {
    name: options.name,
    features: { dtype: "float", shape: [count, width], data: features } as const,
    ...labels.finish(options.classNames),
    table: found,
    ...(groupAt >= 0 && groupsOf(groups)),
  };
  return standardizeTable(dataset, found);
}

/** Places of the feature columns. */
function featureColumns({ columns, where }: Table, options: TableColumns, others: readonly number[]): number[] {
  const { features, encoding } = options;
  const names = features ?? encoding?.columns.map(({ name }) => name);
  if (names === undefined) return [...columns.keys()].filter((i) => !others.includes(i));
  const wanted = encoding?.columns.length ?? names.length;
  if (names.length === wanted) return names.map((name) => findColumn(columns, name, where));
  throw new AnabranchError({
    code: "data/column",
    message: "another number of feature columns than in the training file",
    where,
    received: `${names.length} columns`,
    expected: `${wanted}: ${encoding!.columns.map(({ name }) => name).join(", ")}`,
  });
}

/** The label column: classes, or numbers to predict. */
class LabelReader {
  readonly #place: ColumnPlace;
  readonly #names: string[] = [];
  readonly #numbers: GrowingFloats | undefined;

  constructor(place: ColumnPlace, target: "class" | "number") {
    this.#place = place;
    this.#numbers = target === "number" ? new GrowingFloats(place.where, 16) : undefined;
  }

  push(cell: Cell, at: string): void {
    const text = String(cell ?? "").trim();
    const value = numberIn(cell);
    const isWrong = this.#numbers === undefined ? text === "" : Number.isNaN(value);
    if (isWrong) throw this.#fault(cell, text, at);
    if (this.#numbers === undefined) this.#names.push(text);
    else this.#numbers.push(value);
  }

  finish(known: readonly string[] | undefined): Pick<ArrayDataset, "labels" | "classes" | "classNames"> {
    if (this.#numbers === undefined) {
      const { where, name } = this.#place;
      const { labels, classNames } = numberClasses(this.#names, known, `${where}, column ${name}`);
      return { labels, classes: classNames.length, classNames };
    }
    const data = this.#numbers.finish();
    const labels: HostTensor = { dtype: "float", shape: [data.length], data };
    return { labels, classes: 1 };
  }

  #fault(cell: Cell, text: string, at: string): AnabranchError {
    const { where, code, name } = this.#place;
    const numeric = this.#numbers !== undefined;
    return new AnabranchError({
      code,
      message: isMissing(cell) ? "a label is missing" : "a target is not a number",
      where: `${where}, ${at}, column ${name}`,
      received: JSON.stringify(text.slice(0, 80)),
      expected: numeric ? "a finite number" : "a class",
      advice: numeric && !isMissing(cell) ? 'For classes, set data.table.target = "class".' : "Leave the row out.",
    });
  }
}

/** A file without a row. */
export function noExamples(where: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "a table has no examples",
    where,
    received,
    expected: "a header row and one row for each example",
  });
}
