import { studentT } from "./student-t.ts";

/** Probability with which the intervals of a comparison cover the true difference. */
export const LEVEL = 0.95;

/** The mean of differences at equal seeds, with its interval. */
export interface PairedDifference {
  /** Seeds that both have. */
  readonly n: number;
  readonly mean: number | null;
  /** Half of the width of Student's interval with n - 1 degrees of freedom; null for fewer than two seeds. */
  readonly halfWidth: number | null;
}

/**
 * Compares two methods seed by seed. A seed sets the partition and the initial weights of both, so the difference at one
 * seed varies much less than either value does over seeds.
 *
 * @param values by seed; seeds that only one side has, or whose value is not finite, do not count
 */
export function pairedDifference(
  values: ReadonlyMap<number, number>,
  baseline: ReadonlyMap<number, number>,
): PairedDifference {
  const differences = [...values]
    .map(([seed, value]) => value - (baseline.get(seed) ?? Number.NaN))
    .filter(Number.isFinite);
  const n = differences.length;
  if (n === 0) return { n, mean: null, halfWidth: null };
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, halfWidth: null };
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, halfWidth: studentT(n - 1, LEVEL) * Math.sqrt(squares / (n - 1) / n) };
}
