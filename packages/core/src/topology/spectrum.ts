import { product, symmetricEigen } from "@anabranch/engine";
import { denseMatrix, type SparseRow } from "./weights.ts";

/** Squarings of a matrix after which its norm gives the spectral radius to the last digits. */
const SQUARINGS = 48;

/**
 * lambda: the second largest size among the eigenvalues of a mixing matrix whose rows sum to 1. One step of mixing
 * shrinks the distance to the mean at least by this factor where the matrix is symmetric. 1 - lambda is the spectral gap.
 *
 * Symmetric matrices are diagonalised. For others 1 (1^T / n) is taken off, which turns one eigenvalue 1 into 0, and the
 * spectral radius of the rest is lim |M^k|^(1/k).
 *
 * @example
 * ```ts
 * import { graphOf, lambdaOf, mixingRows } from "@anabranch/core";
 * const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
 * lambdaOf(mixingRows(ring, "metropolis")); // => 0.3333
 * ```
 */
export function lambdaOf(rows: readonly SparseRow[]): number {
  const n = rows.length;
  if (n < 2) return 0;
  const matrix = denseMatrix(rows);
  const flat = Float64Array.from(matrix.flat());
  const symmetric = matrix.every((row, i) => row.every((weight, j) => j >= i || weight === matrix[j]![i]));
  if (!symmetric)
    return spectralRadius(
      flat.map((weight) => weight - 1 / n),
      n,
    );
  const { values } = symmetricEigen(flat, n);
  return Math.max(Math.abs(values[1]!), Math.abs(values[n - 1]!));
}

function spectralRadius(matrix: Float64Array, n: number): number {
  let [power, logarithm] = [matrix, 0];
  for (let k = 0; k <= SQUARINGS; k++) {
    const norm = Math.hypot(...rowNorms(power, n));
    if (norm === 0) return 0;
    // power = M^(2^k) / exp(what is left out so far), so this adds log of its norm over 2^k
    logarithm += Math.log(norm) / 2 ** k;
    const scaled = power.map((value) => value / norm);
    power = product(scaled, scaled, n, n, n);
  }
  return Math.exp(logarithm);
}

function rowNorms(matrix: Float64Array, n: number): number[] {
  return Array.from({ length: n }, (_, i) => Math.hypot(...matrix.subarray(i * n, (i + 1) * n)));
}
