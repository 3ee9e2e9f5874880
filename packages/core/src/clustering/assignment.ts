/**
 * The assignment of rows to columns with the smallest total cost, by shortest augmenting paths in O(rows^2 columns).
 *
 * Citation: H. W. Kuhn, "The Hungarian Method for the Assignment Problem", Naval Research Logistics Quarterly 2, 1955; in the
 * form of R. Jonker, A. Volgenant, Computing 38, 1987.
 *
 * @param costs [rows][columns], finite
 * @returns the column of each row, [rows]; -1 for rows that are left over where there are fewer columns
 * @example
 * ```ts
 * import { assign } from "@anabranch/core";
 * assign([[4, 1], [2, 8]]); // => [1, 0]
 * ```
 */
export function assign(costs: readonly (readonly number[])[]): number[] {
  const [rows, columns] = [costs.length, costs[0]?.length ?? 0];
  if (rows <= columns) return assignRows(costs, columns);
  const turned = Array.from({ length: columns }, (_, j) => costs.map((row) => row[j]!));
  const columnOf = new Array<number>(rows).fill(-1);
  for (const [column, row] of assignRows(turned, rows).entries()) columnOf[row] = column;
  return columnOf;
}

/** At most as many rows as columns. Row and column 0 of the potentials stand for "none". */
function assignRows(costs: readonly (readonly number[])[], columns: number): number[] {
  const rowOf = new Int32Array(columns + 1);
  const [rowPotential, columnPotential] = [new Float64Array(costs.length + 1), new Float64Array(columns + 1)];
  for (let row = 1; row <= costs.length; row++) {
    const before = augment(row, costs, rowOf, rowPotential, columnPotential);
    for (let column = before.end; column !== 0; column = before.column[column]!) {
      rowOf[column] = rowOf[before.column[column]!]!;
    }
  }
  const columnOf = new Array<number>(costs.length).fill(-1);
  for (let column = 1; column <= columns; column++) if (rowOf[column]! > 0) columnOf[rowOf[column]! - 1] = column - 1;
  return columnOf;
}

/** The cheapest path from a new row to a free column; the potentials are moved so that it costs nothing. */
function augment(
  row: number,
  costs: readonly (readonly number[])[],
  rowOf: Int32Array,
  rowPotential: Float64Array,
  columnPotential: Float64Array,
): { readonly end: number; readonly column: Int32Array } {
  const count = rowOf.length;
  const least = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const [column, used] = [new Int32Array(count), new Uint8Array(count)];
  rowOf[0] = row;
  let current = 0;
  while (rowOf[current] !== 0) {
    used[current] = 1;
    const from = rowOf[current]!;
    let [gap, next] = [Number.POSITIVE_INFINITY, 0];
    for (let j = 1; j < count; j++) {
      if (used[j] === 1) continue;
      const reduced = costs[from - 1]![j - 1]! - rowPotential[from]! - columnPotential[j]!;
      if (reduced < least[j]!) [least[j], column[j]] = [reduced, current];
      if (least[j]! < gap) [gap, next] = [least[j]!, j];
    }
    for (let j = 0; j < count; j++) {
      if (used[j] === 1) {
        rowPotential[rowOf[j]!]! += gap;
        columnPotential[j]! -= gap;
      } else least[j]! -= gap;
    }
    current = next;
  }
  return { end: current, column };
}
