/**
 * Entries that a density keeps of n: max(1, floor(rho n + 1e-9)). The last term undoes rounding, as 0.3 * 10 is
 * 3.0000000000000004 one way and 2.9999999999999996 another.
 *
 * @example keptEntries(0.01, 61_706) // 617
 */
export function keptEntries(density: number, n: number): number {
  return Math.min(n, Math.max(1, Math.floor(density * n + 1e-9)));
}
