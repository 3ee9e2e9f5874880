import type { Vector } from "../../params/vector.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";
import { kernels } from "./wasm-kernels.ts";

/** Squared distances [n][n] between the vectors of a set. */
export type Distances = readonly Float64Array[];

/** Coordinates whose distances are summed at a time: fifty rows of float64 stay in the second-level cache. */
const WIDTH = 512;
/** Bytes from row to row, an odd multiple of a cache line. */
const ROW_BYTES = 8 * WIDTH + 64;

/**
 * Squared Euclidean distances between all vectors, in float64. Each pair i < j is computed once and mirrored, so that
 * exact ties stay exact: D[i][j] and D[j][i] are one number.
 */
export function* squaredDistances(set: UpdateSet): Passes<Distances> {
  const { count } = set;
  // the loop takes four rows at a time: three rows of zeros follow the last one
  const sums = (count + 3) * ROW_BYTES;
  const loops = kernels(sums + 8 * count * (count + 4));
  const rows = Array.from({ length: count }, (_, i) => new Float64Array(loops.memory, i * ROW_BYTES, WIDTH));
  yield* over(set, (block) => {
    for (let begin = 0; begin < block[0]!.length; begin += WIDTH) addDistances(block, begin);
  });
  const distances = Array.from({ length: count }, (_, i) => {
    return Float64Array.from(new Float64Array(loops.memory, sums + 8 * i * (count + 4), count));
  });
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) distances[j]![i] = distances[i]![j]!;
  for (let i = 0; i < count; i++) distances[i]![i] = 0;
  return distances;

  function addDistances(block: readonly Vector[], begin: number): void {
    const length = Math.min(WIDTH, block[0]!.length - begin);
    for (const [i, row] of rows.entries()) {
      row.set(block[i]!.subarray(begin, begin + length));
      if (length % 2 === 1) row[length] = 0;
    }
    const bytes = 8 * (length + (length % 2));
    for (let i = 0; i < count; i++) {
      for (let j = i + 1; j < count; j += 4)
        loops.gaps(i * ROW_BYTES, j * ROW_BYTES, ROW_BYTES, bytes, sums + 8 * (i * (count + 4) + j));
    }
  }
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
