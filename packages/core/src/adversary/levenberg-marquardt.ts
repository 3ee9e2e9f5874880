import { dot } from "../params/vector.ts";
/** Residuals [m] and their derivatives: column j of the Jacobian, [m]. */
export interface Residuals {
  readonly values: Float64Array;
  readonly columns: readonly Float64Array[];
}

export interface LeastSquares {
  readonly x: Float64Array;
  /** Sum of the squared residuals at x. */
  readonly squares: number;
}

/**
 * A local minimum of a sum of squares from a start: Gauss-Newton steps, damped where they do not descend.
 * D. Marquardt, "An Algorithm for Least-Squares Estimation of Nonlinear Parameters", SIAM 11, 1963.
 */
export function levenbergMarquardt(
  residuals: (x: Float64Array) => Residuals,
  start: Float64Array,
  iterations = 200,
): LeastSquares {
  let x = start;
  let at = residuals(x);
  let squares = dot(at.values, at.values);
  let damping = 1e-3;
  for (let i = 0; i < iterations && squares > Number.MIN_VALUE && damping < 1e20; i++) {
    const next = x.slice();
    const step = dampedStep(at, damping);
    for (let j = 0; j < x.length; j++) next[j]! -= step[j]!;
    const moved = residuals(next);
    const lower = dot(moved.values, moved.values);
    if (!(lower < squares)) {
      damping *= 4;
      continue;
    }
    const settled = squares - lower <= 1e-9 * squares;
    [x, at, squares, damping] = [next, moved, lower, damping / 3];
    if (settled) break;
  }
  return { x, squares };
}

/** (J^T J + lambda diag(J^T J)) s = J^T r */
function dampedStep({ values, columns }: Residuals, damping: number): Float64Array {
  const matrix = columns.map((a) => Float64Array.from(columns, (b) => dot(a, b)));
  const largest = Math.max(...matrix.map((row, j) => row[j]!), Number.MIN_VALUE);
  for (const [j, row] of matrix.entries()) row[j]! += damping * Math.max(row[j]!, 1e-12 * largest);
  return solvePositive(
    matrix,
    Float64Array.from(columns, (column) => dot(column, values)),
  );
}

/** The solution of a positive definite system, by Cholesky's factors. */
function solvePositive(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const n = right.length;
  const lower = matrix.map((row) => row.slice());
  const x = right.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i]![j]!;
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!;
      lower[i]![j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / lower[j]![j]!;
    }
    for (let k = 0; k < i; k++) x[i]! -= lower[i]![k]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= lower[k]![i]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  return x;
}
