import { type Vector, zerosLike } from "../params/index.ts";
import type { PartialFold } from "./partial-fold.ts";

/** Vectors side by side instead of their mean. */
export interface Stack extends PartialFold {
  /** Vectors added so far. */
  readonly rows: number;
}

/**
 * Keeps vectors of length `size` in the order in which they are added; the result is [rows, size]. For server halves that
 * need every update by itself: its memory grows with the cohort.
 *
 * @param places where the values of a part lie in the vector, which is 0 elsewhere; absent: all updates are whole
 *
 * @example
 * ```ts
 * import { stack } from "@anabranch/core";
 * const kept = stack(2);
 * kept.addAll([Float32Array.of(1, 2), Float32Array.of(3, 4)], [1, 1], undefined, [0, 0]);
 * kept.result(new Float64Array(4)); // => [1, 2, 3, 4]
 * ```
 */
export function stack(size: number, places?: (part: number) => Int32Array): Stack {
  let held: Vector | undefined;
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    addAll(vectors, _weights, factors, parts) {
      for (const [k, vector] of vectors.entries()) {
        held = withRoom(held, vector, (rows + 1) * size, rows * size);
        const factor = factors?.[k] ?? 1;
        const row = held.subarray(rows * size, (rows + 1) * size);
        if (places === undefined) row.set(vector);
        else scatter(row.fill(0), vector, places(parts[k]!));
        if (factor !== 1) for (let j = 0; j < size; j++) row[j]! *= factor;
        rows++;
      }
    },
    result(out) {
      if (held !== undefined) out.set(held.subarray(0, rows * size));
      return out;
    },
    reset() {
      rows = 0;
    },
  };
}

function scatter(row: Vector, values: Vector, places: Int32Array): void {
  for (let k = 0; k < places.length; k++) row[places[k]!] = values[k]!;
}

/** The same memory, or twice as much with its first `used` values. */
function withRoom(held: Vector | undefined, like: Vector, needed: number, used: number): Vector {
  if (held !== undefined && held.length >= needed) return held;
  const larger = zerosLike(like, Math.max(needed, 2 * (held?.length ?? 0)));
  if (held !== undefined) larger.set(held.subarray(0, used));
  return larger;
}
