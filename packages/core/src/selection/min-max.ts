import { largest, smallest } from "@anabranch/engine";

/** Values mapped linearly to [0, 1] by the least and the greatest; all 1 where they are equal. */
export function minMax(values: readonly number[]): number[] {
  const [low, high] = [smallest(values), largest(values)];
  return values.map((value) => (high > low ? (value - low) / (high - low) : 1));
}

/** Values divided by their sum; all 0 where it is 0. */
export function shares(values: readonly number[]): number[] {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => (total > 0 ? value / total : 0));
}
