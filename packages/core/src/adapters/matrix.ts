import { AnabranchError, product, transposed } from "@anabranch/engine";

/** A matrix [rows, columns], row-major, in float64. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * A matrix of nested lists. Throws `adapters/shape` for rows of different lengths.
 *
 * @example
 * ```ts
 * import { matrixOf } from "@anabranch/core";
 * matrixOf([[1, 2, 3], [4, 5, 6]]).columns; // => 3
 * ```
 */
export function matrixOf(rows: readonly (readonly number[])[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  const odd = rows.find(({ length }) => length !== columns);
  if (odd !== undefined) throw shapeError("a matrix has rows of different lengths", `${odd.length}`, `${columns}`);
  return { rows: rows.length, columns, data: Float64Array.from(rows.flat()) };
}

/**
 * A matrix as nested lists.
 *
 * @example
 * ```ts
 * import { matrixOf, rowsOf } from "@anabranch/core";
 * rowsOf(matrixOf([[1, 2]])); // => [[1, 2]]
 * ```
 */
export function rowsOf({ rows, columns, data }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
}

export const zeroMatrix = (rows: number, columns: number): Matrix => ({
  ...{ rows, columns },
  data: new Float64Array(rows * columns),
});

/** X Y. */
export function times(x: Matrix, y: Matrix): Matrix {
  if (x.columns !== y.rows)
    throw shapeError("two matrices do not fit", `${shape(x)} times ${shape(y)}`, "inner extents");
  return { rows: x.rows, columns: y.columns, data: product(x.data, y.data, x.rows, x.columns, y.columns) };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  return { rows: columns, columns: rows, data: transposed(data, rows, columns) };
}

/** sum_k factors[k] matrices[k], in the order given. */
export function combineMatrices(factors: readonly number[], matrices: readonly Matrix[]): Matrix {
  const [first] = matrices;
  if (first === undefined) throw shapeError("nothing to combine", "no matrices", "one or more");
  const sum = zeroMatrix(first.rows, first.columns);
  for (const [k, matrix] of matrices.entries()) {
    if (matrix.rows !== first.rows || matrix.columns !== first.columns)
      throw shapeError("matrices of different shapes cannot be added", shape(matrix), shape(first));
    for (let i = 0; i < sum.data.length; i++) sum.data[i]! += factors[k]! * matrix.data[i]!;
  }
  return sum;
}

/**
 * Frobenius norm of X - Y.
 *
 * @example
 * ```ts
 * import { frobeniusDistance, matrixOf } from "@anabranch/core";
 * frobeniusDistance(matrixOf([[1, 2]]), matrixOf([[4, 6]])); // => 5
 * ```
 */
export function frobeniusDistance(x: Matrix, y: Matrix): number {
  const { data } = combineMatrices([1, -1], [x, y]);
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
}

/** Matrices of equal width below each other. */
export function stackRows(matrices: readonly Matrix[]): Matrix {
  const columns = matrices[0]?.columns ?? 0;
  const data = new Float64Array(matrices.reduce((sum, matrix) => sum + matrix.data.length, 0));
  let offset = 0;
  for (const matrix of matrices) {
    if (matrix.columns !== columns)
      throw shapeError("matrices of different widths cannot be stacked", shape(matrix), `${columns} columns`);
    data.set(matrix.data, offset);
    offset += matrix.data.length;
  }
  return { rows: columns === 0 ? 0 : data.length / columns, columns, data };
}

export const shape = ({ rows, columns }: Matrix): string => `[${rows}, ${columns}]`;

export function shapeError(message: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({ code: "adapters/shape", message, received, expected });
}
