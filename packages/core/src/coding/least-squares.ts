/**
 * A solution of min |A x - b| with A [m, n] of any rank, row-major, by Householder reflections with column pivoting: at most
 * rank(A) entries of x are not 0. `residual` is |A x - b|.
 *
 * Reference: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., 2013, section 5.5.6 (basic solution).
 *
 * @example leastSquares([1, 0, 0, 2], 2, 2, [3, 4]) // { x: [3, 2], residual: 0 }
 */
export function leastSquares(
  matrix: ArrayLike<number>,
  m: number,
  n: number,
  b: ArrayLike<number>,
): { readonly x: Float64Array; readonly residual: number } {
  const columns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => matrix[i * n + j]!));
  const rest = Float64Array.from(b);
  const pivots: number[] = [];
  const left = new Set(columns.keys());
  let largest = 0;
  while (left.size > 0 && pivots.length < m) {
    const k = pivots.length;
    const [pivot, length] = longest(columns, left, k);
    largest = Math.max(largest, length);
    if (length <= largest * RANK_TOLERANCE || length === 0) break;
    left.delete(pivot);
    pivots.push(pivot);
    const v = columns[pivot]!.slice(k);
    const alpha = v[0]! > 0 ? -length : length;
    v[0]! -= alpha;
    const square = v.reduce((sum, value) => sum + value * value, 0);
    for (const target of [...Array.from(left, (j) => columns[j]!), columns[pivot]!, rest])
      reflect(target, v, square, k);
  }
  const x = new Float64Array(n);
  for (let k = pivots.length - 1; k >= 0; k--) {
    let value = rest[k]!;
    for (let l = k + 1; l < pivots.length; l++) value -= columns[pivots[l]!]![k]! * x[pivots[l]!]!;
    x[pivots[k]!] = value / columns[pivots[k]!]![k]!;
  }
  return { x, residual: Math.hypot(...rest.subarray(pivots.length)) };
}

/** Columns that are shorter than this share of the longest one depend on those before them. */
const RANK_TOLERANCE = 1e-11;

/** The column with the longest rest from row k on; the lowest index among equals. */
function longest(columns: readonly Float64Array[], left: ReadonlySet<number>, k: number): readonly [number, number] {
  let [best, length] = [-1, -1];
  for (const j of left) {
    const own = Math.hypot(...columns[j]!.subarray(k));
    if (own > length) [best, length] = [j, own];
  }
  return [best, length];
}

/** x <- x - 2 v (v x) / |v|^2 on the rows from k on. */
function reflect(x: Float64Array, v: Float64Array, square: number, k: number): void {
  let product = 0;
  for (let i = 0; i < v.length; i++) product += v[i]! * x[k + i]!;
  const factor = (2 * product) / square;
  for (let i = 0; i < v.length; i++) x[k + i]! -= factor * v[i]!;
}
