import { AnabranchError } from "@anabranch/engine";
import { nearest } from "../../text/nearest.ts";
import { listed } from "../readers/text.ts";

/** How the columns of a training table become features. */
export interface TableOptions {
  /** "class": labels are names or codes of classes (default); "number": they are the numbers to predict. */
  readonly target?: "class" | "number" | undefined;
  /** A missing value is refused (default), or filled in: with the mean, the most frequent value, or this number. */
  readonly missing?: "refuse" | "mean" | "most-frequent" | number | undefined;
  /** Adds a feature to each column with missing values that is 1 where they were missing. */
  readonly missingIndicator?: boolean | undefined;
  /** Columns of codes that are categories, not numbers. Columns of text are. */
  readonly oneHot?: readonly string[] | undefined;
  /** Categories by column, in order, in place of those that occur. */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** A row of a table: cells as text, or as the numbers that a binary file has. */
export interface TableRow {
  /** For errors, e.g. "line 3". */
  readonly place: string;
  readonly cells: readonly Cell[];
}
/** Undefined: missing. */
export type Cell = string | number | undefined;

/** Texts that stand for a missing value. */
const MISSING = new Set(["", "na", "n/a", "nan", "null"]);

/** Whether a cell has no value: it is empty, or NA, N/A, NaN or null in any case. */
export function isMissing(cell: Cell): cell is undefined {
  return cell === undefined || (typeof cell === "string" && MISSING.has(cell.trim().toLowerCase()));
}

/** The number in a cell; NaN where there is none. */
export function numberIn(cell: Cell): number {
  if (typeof cell === "number") return Number.isFinite(cell) ? cell : Number.NaN;
  const text = cell?.trim() ?? "";
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** The place of a column. Throws `data/column`, with the nearest name. */
export function findColumn(columns: readonly string[], name: string, where: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  const near = nearest(name, columns);
  throw new AnabranchError({
    code: "data/column",
    message: "a column is missing",
    where,
    received: listed(columns),
    expected: `a column named ${JSON.stringify(name)}`,
    ...(near === undefined ? {} : { advice: `Did you mean ${JSON.stringify(near)}?` }),
  });
}
