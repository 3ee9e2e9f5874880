/** Vectors and matrices as plain arrays of float64 numbers. Nothing here is shared with the product. */
export type Vector = number[];
/** Rows of equal length. */
export type Matrix = number[][];

export const zeros = (length: number): Vector => Array.from({ length }, () => 0);

/** Elementwise result of vectors of one length. */
export function map2(fn: (a: number, b: number) => number, a: Vector, b: Vector): Vector {
  return a.map((value, j) => fn(value, b[j]!));
}

/** x + factor * d */
export const plus = (x: Vector, d: Vector, factor = 1): Vector => map2((xj, dj) => xj + factor * dj, x, d);

/** x - d */
export const minus = (x: Vector, d: Vector): Vector => plus(x, d, -1);

export const scaled = (x: Vector, factor: number): Vector => x.map((xj) => factor * xj);

export const squares = (x: Vector): Vector => x.map((xj) => xj * xj);

/** share * a + (1 - share) * b */
export const mix = (share: number, a: Vector, b: Vector): Vector => map2((x, y) => share * x + (1 - share) * y, a, b);

export function norm(x: Vector): number {
  let squares = 0;
  for (const value of x) squares += value * value;
  return Math.sqrt(squares);
}

/** Mean of vectors, each of weight 1. */
export function mean(vectors: readonly Vector[]): Vector {
  let sum = zeros(vectors[0]!.length);
  for (const vector of vectors) sum = plus(sum, vector);
  return scaled(sum, 1 / vectors.length);
}

/** x in rows of `columns` elements. */
export function asMatrix(x: Vector, columns: number): Matrix {
  return Array.from({ length: x.length / columns }, (_, i) => x.slice(i * columns, (i + 1) * columns));
}

export const identity = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));

export const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));

export function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    b[0]!.map((_, j) => {
      let sum = 0;
      for (let k = 0; k < row.length; k++) sum += row[k]! * b[k]![j]!;
      return sum;
    }),
  );
}

/** Q diag(values) Q' */
export function composed(q: Matrix, values: Vector): Matrix {
  const columns = q.map((row) => map2((x, y) => x * y, row, values));
  return product(columns, transposed(q));
}

/**
 * Eigenvalues in descending order and eigenvectors, as columns, of a symmetric matrix, by cyclic Jacobi rotations
 * (G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed. 2013, section 8.5).
 */
export function eigen(symmetric: Matrix): { values: Vector; vectors: Matrix } {
  const n = symmetric.length;
  let a = symmetric;
  let vectors = identity(n);
  for (let sweep = 0; sweep < 50; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const rotation = identity(n);
        rotation[p]![p] = rotation[q]![q] = Math.cos(angle);
        rotation[p]![q] = Math.sin(angle);
        rotation[q]![p] = -Math.sin(angle);
        a = product(transposed(rotation), product(a, rotation));
        vectors = product(vectors, rotation);
      }
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: vectors.map((row) => order.map((i) => row[i]!)) };
}

/** A symmetric positive definite matrix to a real power. */
export function power(symmetric: Matrix, exponent: number): Matrix {
  const { values, vectors } = eigen(symmetric);
  return composed(
    vectors,
    values.map((value) => value ** exponent),
  );
}

/** The columns of a square matrix made orthonormal from the left to the right (Gram-Schmidt, twice for accuracy). */
export function orthonormal(a: Matrix): Matrix {
  const done: Vector[] = [];
  for (let column of transposed(a)) {
    for (let pass = 0; pass < 2; pass++) {
      for (const q of done) column = plus(column, q, -dot(q, column));
    }
    done.push(scaled(column, 1 / norm(column)));
  }
  return transposed(done);
}

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

/**
 * Five Newton-Schulz steps X <- a X + (b A + c A^2) X, A = X X', from X / (|X|_F + 1e-7) with Muon's coefficients
 * (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).
 */
export function newtonSchulz(g: Matrix): Matrix {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const tall = g.length > g[0]!.length;
  const size = norm(g.flat()) + 1e-7;
  let x = (tall ? transposed(g) : g).map((row) => scaled(row, 1 / size));
  for (let i = 0; i < 5; i++) {
    const gram = product(x, transposed(x));
    const square = product(gram, gram);
    const factor = gram.map((row, r) => map2((first, second) => b * first + c * second, row, square[r]!));
    const change = product(factor, x);
    x = x.map((row, r) => plus(change[r]!, row, a));
  }
  return tall ? transposed(x) : x;
}

/** The best approximation of a matrix of rank q: its projection on the leading q eigenvectors of A A'. */
export function truncated(a: Matrix, q: number): Matrix {
  const { vectors } = eigen(product(a, transposed(a)));
  const leading = vectors.map((row) => row.slice(0, q));
  return product(product(leading, transposed(leading)), a);
}

/** x of A x = b by Gaussian elimination without pivots, for diagonally dominant A. */
export function solved(a: Matrix, b: Vector): Vector {
  const rows = a.map((row, i) => [...row, b[i]!]);
  for (const [i, pivot] of rows.entries()) {
    for (const [j, row] of rows.entries()) {
      if (j !== i) rows[j] = plus(row, pivot, -row[i]! / pivot[i]!);
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}
