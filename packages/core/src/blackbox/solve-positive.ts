import { AnabranchError } from "@anabranch/engine";

/**
 * The solution [n] of A x = b for a symmetric positive definite A, by Cholesky's factors.
 *
 * @param row the first i + 1 entries of row i
 * @throws `blackbox/singular` where A is not positive definite
 */
export function solvePositive(row: (i: number) => ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  const n = b.length;
  const factor: Float64Array[] = [];
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    const own = Float64Array.from(row(i)).subarray(0, i + 1);
    for (let j = 0; j <= i; j++) {
      const other = j === i ? own : factor[j]!;
      let value = own[j]!;
      for (let k = 0; k < j; k++) value -= own[k]! * other[k]!;
      own[j] = j === i ? Math.sqrt(value) : value / other[j]!;
    }
    if (!(own[i]! > 0)) throw singular(i);
    factor.push(own);
    for (let k = 0; k < i; k++) x[i]! -= own[k]! * x[k]!;
    x[i]! /= own[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= factor[k]![i]! * x[k]!;
    x[i]! /= factor[i]![i]!;
  }
  return x;
}

function singular(row: number): AnabranchError {
  return new AnabranchError({
    code: "blackbox/singular",
    message: "a surrogate cannot be fitted: its points are too near to each other",
    where: `point ${row}`,
    expected: "points that differ, or a larger jitter",
    advice: "Raise the jitter, or the ridge, to 1e-4.",
  });
}
