import { AnabranchError } from "@anabranch/engine";
import {
  addDirection,
  type DirectionFamily,
  deriveKey,
  fillDirection,
  type RandomKey,
  rootKey,
} from "../random/index.ts";

/** Numbers in lists of lists, of any depth. */
export type NestedNumbers = readonly (number | NestedNumbers)[];

/**
 * Directions that everyone draws for itself, as plain data: from a public seed, or written out for traces. A direction is
 * named by a path of integers from 0, such as its number in a pool, or round, client and step.
 */
export type Directions =
  | { readonly family: DirectionFamily; readonly seed: number }
  | { readonly family: "given"; readonly rows: NestedNumbers };

/** The key of a seeded direction. */
export function directionKey(seed: number, path: readonly number[]): RandomKey {
  return deriveKey(rootKey(seed), "direction", ...path);
}

/** Writes the direction of a path to `out` [d]. Throws `seeded/direction` where it is not among those given. */
export function directionInto<V extends Float32Array | Float64Array>(
  out: V,
  directions: Directions,
  path: readonly number[],
): V {
  if (directions.family !== "given") return fillDirection(out, directions.family, directionKey(directions.seed, path));
  out.set(givenRow(directions.rows, path, out.length));
  return out;
}

/** sum += c z for the direction z of a path, in float64. */
export function addSeeded(sum: Float64Array, c: number, directions: Directions, path: readonly number[]): void {
  if (c === 0) return;
  if (directions.family === "given") {
    const z = givenRow(directions.rows, path, sum.length);
    for (let i = 0; i < sum.length; i++) sum[i]! += c * z[i]!;
  } else addDirection(sum, c, directions.family, directionKey(directions.seed, path));
}

function givenRow(rows: NestedNumbers, path: readonly number[], length: number): readonly number[] {
  let row: number | NestedNumbers | undefined = rows;
  for (const index of path) row = typeof row === "object" ? row[index] : undefined;
  if (Array.isArray(row) && row.length === length && row.every((value) => typeof value === "number")) return row;
  throw new AnabranchError({
    code: "seeded/direction",
    message: "a direction is missing among those that are given",
    where: path.join("."),
    received: Array.isArray(row) ? `${row.length} entries` : "none",
    expected: `${length} numbers`,
  });
}
