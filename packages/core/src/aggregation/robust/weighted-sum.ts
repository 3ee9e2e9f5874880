import { accumulate } from "../kernel.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";

/** (c_1 x_1 + ... + c_n x_n) / divisor in float64, summed in the order of the set; vectors of coefficient 0 are skipped. */
export function* weightedSum(
  set: UpdateSet,
  coefficients: ArrayLike<number>,
  divisor = 1,
): Passes<Float64Array<ArrayBuffer>> {
  const out = new Float64Array(set.size);
  const places = Array.from(coefficients, (_, place) => place).filter((place) => coefficients[place] !== 0);
  const factors = places.map((place) => coefficients[place]!);
  yield* over(set, (block, begin) => {
    const length = block[0]?.length ?? 0;
    const sums = out.subarray(begin, begin + length);
    accumulate(
      sums,
      places.map((place) => block[place]!),
      factors,
      0,
      length,
    );
    if (divisor !== 1) for (let i = 0; i < length; i++) sums[i] = sums[i]! / divisor;
  });
  return out;
}

/** The mean of the vectors at these places. */
export function meanOf(set: UpdateSet, places: readonly number[]): Passes<Float64Array<ArrayBuffer>> {
  const ones = new Float64Array(set.count);
  for (const place of places) ones[place] = 1;
  return weightedSum(set, ones, places.length);
}

/** The mean with weights. */
export function weightedMeanOf(set: UpdateSet, weights: readonly number[]): Passes<Float64Array<ArrayBuffer>> {
  return weightedSum(
    set,
    weights,
    weights.reduce((sum, weight) => sum + weight, 0),
  );
}

/** Weights that are all 1. */
export function ones(count: number): number[] {
  return new Array<number>(count).fill(1);
}
