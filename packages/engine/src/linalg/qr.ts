import { transposed } from "./product.ts";

/** A = Q R: `q` [m, n] with orthonormal columns, `r` [n, n] upper triangular with a diagonal of 0 or more; row-major. */
export interface Qr {
  readonly q: Float64Array;
  readonly r: Float64Array;
}

/**
 * Householder QR of a matrix [m, n] with m >= n, row-major. Q is orthonormal whatever the rank, zero columns included, and
 * with R's diagonal at 0 or more it is unique where the rank is full. An input that is not finite gives NaN.
 *
 * Reference: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., 2013, Algorithm 5.2.1 and section 5.1.6.
 *
 * @example
 * ```ts
 * import { product, qr } from "@anabranch/engine";
 * const { q, r } = qr([3, 0, 4, 5], 2, 2);
 * product(q, r, 2, 2, 2); // => [3, 0, 4, 5]
 * ```
 */
export function qr(matrix: ArrayLike<number>, m: number, n: number): Qr {
  // one column after the other in memory
  const columns = transposed(matrix, m, n);
  const r = new Float64Array(n * n);
  const betas = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const v = columns.subarray(k * m + k, (k + 1) * m);
    let square = 0;
    for (let i = 0; i < v.length; i++) square += v[i]! * v[i]!;
    if (square !== 0) {
      const alpha = v[0]! > 0 ? -Math.sqrt(square) : Math.sqrt(square);
      // |v - alpha e1|^2 = 2 (|v|^2 - alpha v0)
      betas[k] = 1 / (square - alpha * v[0]!);
      v[0]! -= alpha;
      r[k * n + k] = alpha;
      for (let j = k + 1; j < n; j++) reflect(columns, j * m + k, v, betas[k]!);
    }
    for (let j = k + 1; j < n; j++) r[k * n + j] = columns[j * m + k]!;
  }
  const q = formBasis(columns, betas, m, n);
  for (let k = 0; k < n; k++) {
    if (r[k * n + k]! >= 0) continue;
    for (let j = k; j < n; j++) r[k * n + j] = -r[k * n + j]!;
    for (let i = 0; i < m; i++) q[k * m + i] = -q[k * m + i]!;
  }
  return { q: transposed(q, n, m), r };
}

/** Applies the reflections in reverse to unit vectors; column after column. */
function formBasis(reflectors: Float64Array, betas: Float64Array, m: number, n: number): Float64Array {
  const q = new Float64Array(n * m);
  for (let k = n - 1; k >= 0; k--) {
    q[k * m + k] = 1;
    if (betas[k] === 0) continue;
    const v = reflectors.subarray(k * m + k, (k + 1) * m);
    for (let j = k; j < n; j++) reflect(q, j * m + k, v, betas[k]!);
  }
  return q;
}

/** x <- x - beta v (v . x) for the x of v's length at `start`. */
function reflect(data: Float64Array, start: number, v: Float64Array, beta: number): void {
  const length = v.length;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += v[i]! * data[start + i]!;
  sum *= beta;
  for (let i = 0; i < length; i++) data[start + i]! -= sum * v[i]!;
}
