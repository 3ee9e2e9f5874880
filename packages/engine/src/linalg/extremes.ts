/**
 * The largest of any number of values and `floor`; NaN where one is NaN, as `Math.max`. A spread into `Math.max` passes
 * each value as an argument and ends in a RangeError at about 120,000.
 *
 * @example
 * ```ts
 * import { largest } from "@anabranch/engine";
 * largest([3, -7, 5]); // => 5
 * ```
 */
export function largest(values: Iterable<number>, floor = Number.NEGATIVE_INFINITY): number {
  let most = floor;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/**
 * The smallest of any number of values and `ceiling`; NaN where one is NaN, as `Math.min`.
 *
 * @example
 * ```ts
 * import { smallest } from "@anabranch/engine";
 * smallest([3, -7, 5]); // => -7
 * ```
 */
export function smallest(values: Iterable<number>, ceiling = Number.POSITIVE_INFINITY): number {
  let least = ceiling;
  for (const value of values) least = Math.min(least, value);
  return least;
}
