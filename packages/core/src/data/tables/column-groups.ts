import { AnabranchError } from "@anabranch/engine";
import { nearest } from "../../text/nearest.ts";
import { type ArrayDataset, exampleCount, exampleSize } from "../dataset.ts";
import { type ColumnEncoding, featureCount } from "./encoding.ts";

/** Examples by the category that they have in one column. */
export interface ColumnGroups {
  /** [n] number of the group of each example. */
  readonly groups: Int32Array;
  /** Names of the groups; the last one is `(missing)` where some examples have no category. */
  readonly names: readonly string[];
}

/**
 * Groups the examples of a table by one of its columns of names.
 *
 * @throws `data/group-column` where the data have no such column
 * @example
 * ```ts
 * import { columnGroups, readCsv } from "@anabranch/core";
 * const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
 * columnGroups(readCsv(file, { name: "trees.csv", label: "y" }), "kind").groups; // => [1, 0]
 * ```
 */
export function columnGroups(dataset: ArrayDataset, column: string): ColumnGroups {
  const { place, categories } = findColumn(dataset.table?.columns ?? [], column);
  const size = exampleSize(dataset.features);
  const { data } = dataset.features;
  const missing = categories.length;
  const groups = Int32Array.from({ length: exampleCount(dataset) }, (_, row) => {
    const at = categories.findIndex((_name, i) => Number(data[row * size + place + i]) > 0.5);
    return at < 0 ? missing : at;
  });
  return { groups, names: groups.includes(missing) ? [...categories, "(missing)"] : categories };
}

/** The column, and the place of its first feature in a row. */
function findColumn(columns: readonly ColumnEncoding[], name: string) {
  let place = 0;
  for (const column of columns) {
    if (column.kind === "category" && column.name === name) return { place, categories: column.categories };
    place += featureCount(column);
  }
  const known = columns.flatMap((column) => (column.kind === "category" ? [column.name] : []));
  const isNumber = columns.some((column) => column.name === name);
  const near = nearest(name, known);
  throw new AnabranchError({
    code: "data/group-column",
    message: isNumber ? "examples are not grouped by a column of numbers" : "the data have no such column of names",
    received: name,
    expected: known.length === 0 ? "a table with a column of names" : `one of ${known.join(", ")}`,
    ...(near !== undefined && { advice: `Did you mean "${near}"?` }),
  });
}
