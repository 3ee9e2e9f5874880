/**
 * C = A B for A [m, k] and B [k, n], row-major.
 *
 * @example
 * ```ts
 * import { product } from "@anabranch/engine";
 * product([1, 2, 3, 4], Float64Array.of(1, 0, 0, 2), 2, 2, 2); // => [1, 4, 3, 8]
 * ```
 */
export function product(a: ArrayLike<number>, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    const row = i * n;
    let p = 0;
    // four rows of B at a time: a quarter of the traffic on C
    for (; p + 3 < k; p += 4) {
      const [a0, a1, a2, a3] = [a[i * k + p]!, a[i * k + p + 1]!, a[i * k + p + 2]!, a[i * k + p + 3]!];
      const [b0, b1, b2, b3] = [p * n, (p + 1) * n, (p + 2) * n, (p + 3) * n];
      for (let j = 0; j < n; j++) {
        c[row + j]! += a0 * b[b0 + j]! + a1 * b[b1 + j]! + (a2 * b[b2 + j]! + a3 * b[b3 + j]!);
      }
    }
    for (; p < k; p++) {
      const value = a[i * k + p]!;
      for (let j = 0; j < n; j++) c[row + j]! += value * b[p * n + j]!;
    }
  }
  return c;
}

/**
 * The transposed matrix [n, m] of a row-major one [m, n].
 *
 * @example
 * ```ts
 * import { transposed } from "@anabranch/engine";
 * transposed([1, 2, 3, 4, 5, 6], 2, 3); // => [1, 4, 2, 5, 3, 6]
 * ```
 */
export function transposed(a: ArrayLike<number>, m: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j * m + i] = a[i * n + j]!;
  return out;
}
