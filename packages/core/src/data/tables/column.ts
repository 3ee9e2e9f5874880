import { AnabranchError } from "@anabranch/engine";
import { sortNames } from "../readers/class-names.ts";
import { GrowingFloats } from "../readers/growing-floats.ts";
import { readerLimits, requireAtMost } from "../readers/limits.ts";
import { listed } from "../readers/text.ts";
import { type ColumnEncoding, featureCount } from "./encoding.ts";
import { type Cell, isMissing, numberIn, type TableOptions } from "./table-options.ts";

/** Where a column lies, for errors. */
export interface ColumnPlace {
  /** The file. */
  readonly where: string;
  /** Code of errors about values, e.g. "data/csv-value". */
  readonly code: string;
  readonly name: string;
}

/**
 * One feature column of a table, read cell by cell. A column is numeric if its values are numbers, and categorical if none
 * is; a mixture is refused, as it is most often a typing error.
 */
export class ColumnReader {
  readonly #place: ColumnPlace;
  readonly #options: TableOptions;
  readonly #known: ColumnEncoding | undefined;
  readonly #refusesMissing: boolean;
  /** Numbers, or numbers of categories in order of appearance; NaN where the value is missing. */
  readonly #values: GrowingFloats;
  readonly #codes = new Map<string, number>();
  #kind: ColumnEncoding["kind"] | undefined;
  #missing = 0;

  /** @param known the encoding found on the training file; undefined for the training file itself */
  constructor(place: ColumnPlace, options: TableOptions, known: ColumnEncoding | undefined) {
    this.#place = place;
    this.#options = options;
    this.#known = known;
    this.#values = new GrowingFloats(place.where, 16);
    const { missing = "refuse", oneHot = [], categories = {} } = options;
    this.#refusesMissing = known === undefined ? missing === "refuse" : known.fill === undefined;
    if (known !== undefined) this.#kind = known.kind;
    else if (oneHot.includes(place.name) || Object.hasOwn(categories, place.name)) this.#kind = "category";
    const names = known?.kind === "category" ? known.categories : (categories[place.name] ?? []);
    for (const name of names) this.#codes.set(name, this.#codes.size);
  }

  /** @param at the row, for errors, e.g. "line 3" */
  push(cell: Cell, at: string): void {
    const value = numberIn(cell);
    if (Number.isNaN(value) && isMissing(cell)) {
      if (this.#refusesMissing) throw this.#fault(at, "a value is missing", '""', "a value", FILL);
      this.#missing++;
      this.#values.push(Number.NaN);
      return;
    }
    this.#kind ??= Number.isNaN(value) ? "category" : "number";
    this.#values.push(this.#kind === "number" ? this.#number(cell, value, at) : this.#category(cell, value, at));
  }

  #number(cell: Cell, value: number, at: string): number {
    if (!Number.isNaN(value)) return value;
    const advice =
      this.#known === undefined
        ? `Correct the cell. If the column has codes and no numbers, add it to data.table.oneHot.`
        : undefined;
    throw this.#fault(at, "a feature is not a number", quoted(cell), "a finite number", advice);
  }

  #category(cell: Cell, value: number, at: string): number {
    const text = String(cell).trim();
    const code = this.#codes.get(text);
    if (code !== undefined) return code;
    const { name } = this.#place;
    const { oneHot = [], categories = {} } = this.#options;
    if (this.#known !== undefined || Object.hasOwn(categories, name)) {
      throw new AnabranchError({
        code: "data/category",
        message: "unknown category",
        where: `${this.#place.where}, ${at}, column ${name}`,
        received: quoted(cell),
        expected: `one of ${listed([...this.#codes.keys()])}`,
        advice: "Rename the category, leave these rows out, or list it in data.table.categories of the run.",
      });
    }
    if (!Number.isNaN(value) && !oneHot.includes(name)) {
      const advice = `Correct the cell. If all cells of the column are codes, add it to data.table.oneHot.`;
      throw this.#fault(at, "a column has both text and numbers", quoted(cell), "a text, as above it", advice);
    }
    if (text.length > LONGEST_CATEGORY) {
      const most = `at most ${LONGEST_CATEGORY} characters`;
      throw this.#fault(at, "a text is too long for a category", quoted(cell), most, "Leave the column out.");
    }
    const { where } = this.#place;
    const advice = "Name the columns to use under features, without names and identifiers.";
    requireAtMost(readerLimits.categories, this.#codes.size + 1, `categories`, `${where}, column ${name}`, advice);
    this.#codes.set(text, this.#codes.size);
    return this.#codes.size - 1;
  }

  /** The encoding, and how it writes this column's features into rows. */
  finish(): EncodedColumn {
    const values = this.#values.finish();
    const encoding = this.#known ?? this.#encoding(values);
    // read in order of appearance, written in the order of the encoding
    const order =
      encoding.kind === "category"
        ? new Map(encoding.categories.map((name, i) => [this.#codes.get(name) ?? -1, i]))
        : undefined;
    return { encoding, values, order };
  }

  #encoding(values: Float32Array): ColumnEncoding {
    const { name } = this.#place;
    const { missing = "refuse", missingIndicator = false, categories = {} } = this.#options;
    const given = Object.hasOwn(categories, name) ? categories[name] : undefined;
    const occurring = values.filter((value) => !Number.isNaN(value));
    if (occurring.length === 0 && given === undefined) {
      throw this.#fault(undefined, "a column has no values", "missing values only", "values", "Leave the column out.");
    }
    const indicator = missingIndicator && this.#missing > 0 ? { indicator: true as const } : {};
    if (this.#kind === "number") {
      const fill =
        missing === "mean" ? meanOf(occurring) : missing === "most-frequent" ? mostFrequent(occurring) : missing;
      return { kind: "number", name, ...(typeof fill === "number" && { fill }), ...indicator };
    }
    const names = [...this.#codes.keys()];
    const sorted = given === undefined ? sortNames([...names]) : [...given];
    if (missing === "refuse") return { kind: "category", name, categories: sorted, ...indicator };
    const places = occurring.map((code) => sorted.indexOf(names[code]!));
    const fill = typeof missing === "number" || places.length === 0 ? null : sorted[mostFrequent(places)]!;
    return { kind: "category", name, categories: sorted, fill, ...indicator };
  }

  #fault(at: string | undefined, message: string, received: string, expected: string, advice?: string) {
    const { where, code, name } = this.#place;
    return new AnabranchError({
      code,
      message,
      where: `${where}${at === undefined ? "" : `, ${at}`}, column ${name}`,
      received,
      expected,
      ...(advice === undefined ? {} : { advice }),
    });
  }
}

/** Characters of a category. */
const LONGEST_CATEGORY = 200;

const FILL = 'Fill it in, leave the row or column out, or set data.table.missing, e.g. to "mean".';

/** A column with its encoding. */
export interface EncodedColumn {
  readonly encoding: ColumnEncoding;
  readonly values: Float32Array;
  /** Of a category: place in the encoding by code. */
  readonly order: ReadonlyMap<number, number> | undefined;
}

/** Writes the features of a column into rows of `width` features, the first one at `first`. */
export function writeColumn(features: Float32Array, column: EncodedColumn, first: number, width: number): void {
  const { encoding, values, order } = column;
  const last = first + featureCount(encoding) - 1;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    const start = row * width;
    const isMissing = Number.isNaN(value);
    if (encoding.indicator && isMissing) features[start + last] = 1;
    if (encoding.kind === "number") {
      features[start + first] = isMissing ? encoding.fill! : value;
    } else {
      const category = isMissing ? encoding.categories.indexOf(encoding.fill ?? "") : order!.get(value)!;
      if (category >= 0) features[start + first + category] = 1;
    }
  }
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The value that occurs most often; the smallest of several. */
function mostFrequent(values: Float32Array): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = values[0]!;
  for (const [value, count] of counts) {
    const most = counts.get(best)!;
    if (count > most || (count === most && value < best)) best = value;
  }
  return best;
}

function quoted(cell: Cell): string {
  return JSON.stringify(String(cell ?? "").slice(0, 80));
}
