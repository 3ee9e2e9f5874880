/** Eigenvalues in descending order; `vectors` [n, n], row-major, has the eigenvector of values[j] in column j. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QR steps
 * with Wilkinson's shift. Each vector's entry of largest size is positive, so equal inputs give equal outputs.
 * An input that is not finite gives NaN throughout.
 *
 * @param matrix [n, n], row-major; only the lower triangle is read
 *
 * Reference: G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., 2013, Algorithms 8.3.1 to 8.3.3.
 * @example
 * ```ts
 * import { symmetricEigen } from "@anabranch/engine";
 * const { values } = symmetricEigen([2, 1, 1, 2], 2);
 * [...values].sort((a, b) => a - b); // => [1, 3]
 * ```
 */
export function symmetricEigen(matrix: ArrayLike<number>, n: number): SymmetricEigen {
  const lower = new Float64Array(matrix);
  const scale = largest(lower, n);
  if (!Number.isFinite(scale)) {
    return { values: new Float64Array(n).fill(Number.NaN), vectors: new Float64Array(n * n).fill(Number.NaN) };
  }
  if (scale > 0) for (let i = 0; i < lower.length; i++) lower[i]! /= scale;
  const { diagonal, offDiagonal, rows } = tridiagonalize(lower, n);
  diagonalize(diagonal, offDiagonal, rows, n);
  return sorted(diagonal, rows, scale, n);
}

/** Largest size in the lower triangle, NaN if one is NaN. */
function largest(lower: Float64Array, n: number): number {
  let found = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) found = Math.max(found, Math.abs(lower[i * n + j]!));
  }
  return found;
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** offDiagonal[k] lies between k and k + 1. */
  readonly offDiagonal: Float64Array;
  /** The transposed basis: A = rows^T T rows. */
  readonly rows: Float64Array;
}

/**
 * Reflections from the last row upwards: the one of row i acts on the coordinates below i, so that everything read and
 * written lies in rows. Overwrites the lower triangle; row i keeps its reflector.
 */
function tridiagonalize(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  const product = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const v = a.subarray(i * n, i * n + i);
    diagonal[i] = a[i * n + i]!;
    let tail = 0;
    for (let j = 0; j < i - 1; j++) tail += v[j]! * v[j]!;
    const pivot = v[i - 1]!;
    if (tail === 0) {
      offDiagonal[i - 1] = pivot;
      continue;
    }
    const norm = Math.sqrt(tail + pivot * pivot);
    offDiagonal[i - 1] = pivot > 0 ? -norm : norm;
    v[i - 1] = pivot - offDiagonal[i - 1]!;
    const beta = 2 / (tail + v[i - 1]! * v[i - 1]!);
    betas[i] = beta;
    reflectBothSides(a, n, v, beta, product.subarray(0, i));
  }
  diagonal[0] = a[0] ?? 0;
  return { diagonal, offDiagonal, rows: accumulate(a, betas, n) };
}

/** A <- (I - beta v v^T) A (I - beta v v^T) on the leading block of v's length, in its lower triangle. */
function reflectBothSides(a: Float64Array, n: number, v: Float64Array, beta: number, p: Float64Array): void {
  const size = v.length;
  p.fill(0);
  for (let i = 0; i < size; i++) {
    const row = i * n;
    const vi = v[i]!;
    let sum = 0;
    for (let j = 0; j < i; j++) {
      const value = a[row + j]!;
      sum += value * v[j]!;
      p[j]! += value * vi;
    }
    p[i]! += sum + a[row + i]! * vi;
  }
  let projection = 0;
  for (let i = 0; i < size; i++) {
    p[i]! *= beta;
    projection += p[i]! * v[i]!;
  }
  const half = 0.5 * beta * projection;
  for (let i = 0; i < size; i++) p[i]! -= half * v[i]!;
  for (let i = 0; i < size; i++) {
    const row = i * n;
    const [vi, pi] = [v[i]!, p[i]!];
    for (let j = 0; j <= i; j++) a[row + j]! -= vi * p[j]! + pi * v[j]!;
  }
}

/** The product of the reflections of rows 1, 2, ..., n - 1, in this order: each touches a leading block. */
function accumulate(reflectors: Float64Array, betas: Float64Array, n: number): Float64Array {
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  for (let i = 1; i < n; i++) {
    const beta = betas[i]!;
    if (beta === 0) continue;
    const v = reflectors.subarray(i * n, i * n + i);
    for (let r = 0; r < i; r++) {
      const row = r * n;
      let sum = 0;
      for (let j = 0; j < i; j++) sum += rows[row + j]! * v[j]!;
      sum *= beta;
      for (let j = 0; j < i; j++) rows[row + j]! -= sum * v[j]!;
    }
  }
  return rows;
}

/** Below this share of its neighbours an off-diagonal entry counts as zero; the matrix is scaled to entries up to 1. */
const SMALLEST_SHARE = 2 ** -52;
const SMALLEST = 1e-100;
/** Steps per eigenvalue; two are usual. */
const MAX_STEPS = 60;

/** Rotates the tridiagonal matrix to a diagonal one, and the rows with it. */
function diagonalize(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  const splits = (k: number) => Math.abs(e[k]!) <= SMALLEST_SHARE * (Math.abs(d[k]!) + Math.abs(d[k + 1]!)) + SMALLEST;
  let high = n - 1;
  for (let step = 0; high > 0 && step < MAX_STEPS * n; step++) {
    if (splits(high - 1)) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !splits(low - 1)) low--;
    chaseBulge(d, e, rows, n, low, high);
  }
}

/** One implicit QR step on the unreduced block low..high. */
function chaseBulge(d: Float64Array, e: Float64Array, rows: Float64Array, n: number, low: number, high: number): void {
  const difference = (d[high - 1]! - d[high]!) / 2;
  const coupling = e[high - 1]!;
  const root = Math.sqrt(difference * difference + coupling * coupling);
  const shift = d[high]! - (coupling * coupling) / (difference + (difference < 0 ? -root : root));
  let x = d[low]! - shift;
  let z = e[low]!;
  for (let k = low; k < high; k++) {
    const r = Math.sqrt(x * x + z * z);
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r];
    if (k > low) e[k - 1] = r;
    const [a, b, o] = [d[k]!, d[k + 1]!, e[k]!];
    d[k] = c * c * a + 2 * c * s * o + s * s * b;
    d[k + 1] = s * s * a - 2 * c * s * o + c * c * b;
    e[k] = (c * c - s * s) * o + c * s * (b - a);
    x = e[k]!;
    if (k < high - 1) {
      z = s * e[k + 1]!;
      e[k + 1]! *= c;
    }
    rotateRows(rows, k * n, n, c, s);
  }
}

/** Rotates the row at `start` and the next one. */
function rotateRows(rows: Float64Array, start: number, n: number, c: number, s: number): void {
  const next = start + n;
  for (let j = 0; j < n; j++) {
    const [upper, lower] = [rows[start + j]!, rows[next + j]!];
    rows[start + j] = c * upper + s * lower;
    rows[next + j] = c * lower - s * upper;
  }
}

/** Descending values, rows as columns, signs fixed. */
function sorted(d: Float64Array, rows: Float64Array, scale: number, n: number): SymmetricEigen {
  const order = Array.from(d.keys()).sort((i, j) => d[j]! - d[i]! || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    const row = rows.subarray(from * n, (from + 1) * n);
    let lead = 0;
    for (let j = 1; j < n; j++) if (Math.abs(row[j]!) > Math.abs(row[lead]!)) lead = j;
    const sign = row[lead]! < 0 ? -1 : 1;
    for (let j = 0; j < n; j++) vectors[j * n + to] = sign * row[j]!;
  });
  return { values: Float64Array.from(order, (i) => d[i]! * scale), vectors };
}
