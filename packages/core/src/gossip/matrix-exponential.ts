import { product } from "@anabranch/engine";

/** Terms of the Taylor series, which then end below the last digit for matrices of norm 1 / 2. */
const TERMS = 18;

/**
 * exp(t A) for a square matrix [n, n], row-major, by scaling, a Taylor series and squaring.
 *
 * Reference: C. Moler, C. Van Loan, "Nineteen Dubious Ways to Compute the Exponential of a Matrix", SIAM Review 45, 2003.
 *
 * @example matrixExponential(Float64Array.of(0), 1, 3) // [1]
 */
export function matrixExponential(matrix: Float64Array, n: number, t: number): Float64Array {
  const size = Math.abs(t) * Math.max(...matrix.map(Math.abs)) * n;
  const halvings = Math.max(0, Math.ceil(Math.log2(Math.max(size, 1e-300)) + 1));
  const scaled = matrix.map((value) => (value * t) / 2 ** halvings);
  let sum = identity(n);
  for (let k = TERMS; k >= 1; k--) {
    const next = product(scaled, sum, n, n, n);
    for (let i = 0; i < next.length; i++) next[i]! /= k;
    for (let i = 0; i < n; i++) next[i * n + i]! += 1;
    sum = next;
  }
  for (let k = 0; k < halvings; k++) sum = product(sum, sum, n, n, n);
  return sum;
}

function identity(n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}
