import type { Vector } from "../../params/vector.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";

/** Squared distances [n][n] between the vectors of a set. */
export type Distances = readonly Float64Array[];

/**
 * Squared Euclidean distances between all vectors, in float64. Each pair i < j is computed once and mirrored, so that
 * exact ties stay exact: D[i][j] and D[j][i] are one number.
 */
export function* squaredDistances(set: UpdateSet): Passes<Distances> {
  const { count } = set;
  const distances = Array.from({ length: count }, () => new Float64Array(count));
  yield* over(set, (block) => {
    for (let i = 0; i < count; i++)
      for (let j = i + 1; j < count; j++) distances[i]![j]! += squaredGap(block[i]!, block[j]!);
  });
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) distances[j]![i] = distances[i]![j]!;
  return distances;
}

/** Squared distance of two blocks; even and odd coordinates are summed apart. */
export function squaredGap(a: Vector, b: Vector): number {
  const { length } = a;
  let even = 0;
  let odd = 0;
  let i = 0;
  for (; i + 1 < length; i += 2) {
    const first = a[i]! - b[i]!;
    const second = a[i + 1]! - b[i + 1]!;
    even += first * first;
    odd += second * second;
  }
  if (i < length) even += (a[i]! - b[i]!) * (a[i]! - b[i]!);
  return even + odd;
}

/** Squared norms of all vectors. */
export function* squaredNorms(set: UpdateSet): Passes<Float64Array> {
  const norms = new Float64Array(set.count);
  yield* over(set, (block) => {
    for (let i = 0; i < set.count; i++) norms[i]! += dot(block[i]!, block[i]!);
  });
  return norms;
}

/** Inner product of two blocks; even and odd coordinates are summed apart. */
export function dot(a: Vector, b: Vector): number {
  const { length } = a;
  let even = 0;
  let odd = 0;
  let i = 0;
  for (; i + 1 < length; i += 2) {
    even += a[i]! * b[i]!;
    odd += a[i + 1]! * b[i + 1]!;
  }
  if (i < length) even += a[i]! * b[i]!;
  return even + odd;
}

/** Places in ascending order of their values; equal values keep the order of their places. */
export function ascending(values: ArrayLike<number>): number[] {
  return Array.from({ length: values.length }, (_, place) => place).sort((a, b) => {
    const [x, y] = [values[a]!, values[b]!];
    return x < y ? -1 : x > y ? 1 : a - b;
  });
}
