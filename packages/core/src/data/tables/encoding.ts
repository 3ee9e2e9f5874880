import * as z from "zod";

const name = z.string().min(1);
const indicator = z.literal(true).optional();

/** A column of numbers: one feature. */
const numberColumn = z.strictObject({
  kind: z.literal("number"),
  name,
  /** In place of a missing value; left out: a missing value is refused. */
  fill: z.number().optional(),
  /** A further feature is 1 where the value was missing. */
  indicator,
  /** Values are stored as (x - mean) / deviation; left out: as they are. */
  mean: z.number().optional(),
  deviation: z.number().positive().optional(),
});

/** A column of names: one feature of 0 or 1 for each category. */
const categoryColumn = z.strictObject({
  kind: z.literal("category"),
  name,
  /** In the order of their features. */
  categories: z.array(z.string()).min(1),
  /** In place of a missing value; null: all features are 0; left out: a missing value is refused. */
  fill: z.string().nullable().optional(),
  indicator,
});

/**
 * How the columns of a table become features, as plain data. It is found on the training file, and applied to test files and
 * to the files of clients: all have the same features in the same order.
 *
 * @example
 * ```ts
 * import { tableEncoding } from "@anabranch/core";
 * const columns = [{ kind: "number", name: "age", fill: 40 }];
 * tableEncoding.parse({ columns }); // => { columns: [{ kind: "number", name: "age", fill: 40 }] }
 * ```
 */
export const tableEncoding = z.strictObject({
  columns: z.array(z.discriminatedUnion("kind", [numberColumn, categoryColumn])),
  /** Of a numeric target that is stored as (y - mean) / deviation. */
  target: z.strictObject({ mean: z.number(), deviation: z.number().positive() }).optional(),
});
export type TableEncoding = z.infer<typeof tableEncoding>;
export type ColumnEncoding = TableEncoding["columns"][number];

/**
 * Names of the features, in order: "age", "age missing", "kind = oak".
 *
 * @example
 * ```ts
 * import { featureNames, readCsv } from "@anabranch/core";
 * const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
 * featureNames(readCsv(file, { name: "trees.csv", label: "y" }).table); // => ["age", "kind = elm", "kind = oak"]
 * ```
 */
export function featureNames({ columns }: TableEncoding): string[] {
  return columns.flatMap((column) => {
    const values = column.kind === "number" ? [column.name] : column.categories.map((of) => `${column.name} = ${of}`);
    return column.indicator ? [...values, `${column.name} missing`] : values;
  });
}

/** Features that a column becomes. */
export function featureCount(column: ColumnEncoding): number {
  return (column.kind === "number" ? 1 : column.categories.length) + (column.indicator ? 1 : 0);
}

/** Where the feature of each numeric column is in a row, with the column's place among the columns. */
export function numericFeatures({ columns }: TableEncoding): { column: number; feature: number }[] {
  const found: { column: number; feature: number }[] = [];
  let feature = 0;
  for (const [i, column] of columns.entries()) {
    if (column.kind === "number") found.push({ column: i, feature });
    feature += featureCount(column);
  }
  return found;
}
