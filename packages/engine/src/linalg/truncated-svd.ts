import { product, transposed } from "./product.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** A ~ sum_j values[j] * left_j right_j^T, for j below the rank q; values in falling order. */
export interface TruncatedSvd {
  /** q */
  readonly rank: number;
  /** [q, m], row j is the left singular vector j. */
  readonly left: Float64Array;
  /** [q] */
  readonly values: Float64Array;
  /** [q, n], row j is the right singular vector j; zeros where the singular value is 0. */
  readonly right: Float64Array;
}

/**
 * The leading singular triples of a matrix [m, n], row-major, from the eigenvectors of the smaller of A A^T and A^T A: with
 * the vectors of that side as P, the other side is P A, so the sum of the triples is the projection of A on P to float64
 * precision, and A itself at full rank. Singular values below about 1e-8 of the largest lose digits and order, and their
 * other-side vectors orthogonality. Each vector of the smaller side has its entry of largest size positive, so equal inputs
 * give equal outputs. An input that is not finite gives NaN.
 *
 * @param rank q; or chooses q, 1 or more, from the squared singular values in falling order, up to a common factor
 * @example
 * ```ts
 * import { truncatedSvd } from "@anabranch/engine";
 * const { rank, values } = truncatedSvd([3, 0, 0, 1], 2, 2, 1);
 * rank; // => 1
 * values; // => [3]
 * ```
 */
export function truncatedSvd(
  matrix: ArrayLike<number>,
  m: number,
  n: number,
  rank: number | ((squares: Float64Array) => number),
): TruncatedSvd {
  const wide = m <= n;
  const [rows, columns] = wide ? [m, n] : [n, m];
  const a = wide ? Float64Array.from(matrix) : transposed(matrix, m, n);
  const scale = largest(a);
  if (scale > 0) for (let i = 0; i < a.length; i++) a[i]! /= scale;
  const gram = product(a, transposed(a, rows, columns), rows, columns, rows);
  const { values: squares, vectors } = symmetricEigen(gram, rows);
  for (let i = 0; i < rows; i++) squares[i] = Math.max(0, squares[i]!); // below 0 by rounding alone
  const q = Math.min(rows, typeof rank === "number" ? rank : rank(squares));
  const near = transposed(vectors, rows, rows).slice(0, q * rows);
  const far = product(near, a, q, rows, columns);
  const values = new Float64Array(q);
  for (let j = 0; j < q; j++) values[j] = normalize(far.subarray(j * columns, (j + 1) * columns)) * scale;
  return { rank: q, values, left: wide ? near : far, right: wide ? far : near };
}

/**
 * The matrix [m, n] that the triples add up to.
 *
 * @example
 * ```ts
 * import { fromSvd, truncatedSvd } from "@anabranch/engine";
 * const triples = truncatedSvd([3, 0, 0, 1], 2, 2, 2);
 * fromSvd(triples, 2, 2); // => [3, 0, 0, 1]
 * ```
 */
export function fromSvd(
  {
    rank,
    left,
    values,
    right,
  }: { rank: number; left: ArrayLike<number>; values: ArrayLike<number>; right: Float64Array },
  m: number,
  n: number,
): Float64Array {
  const scaled = transposed(left, rank, m);
  for (let i = 0; i < m; i++) for (let j = 0; j < rank; j++) scaled[i * rank + j]! *= values[j]!;
  return product(scaled, right, m, rank, n);
}

function largest(values: Float64Array): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) found = Math.max(found, Math.abs(values[i]!));
  return found;
}

/** Scales a vector to length 1, or leaves zeros; returns the length it had. */
function normalize(vector: Float64Array): number {
  let square = 0;
  for (let i = 0; i < vector.length; i++) square += vector[i]! * vector[i]!;
  const length = Math.sqrt(square);
  if (length !== 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return length;
}
