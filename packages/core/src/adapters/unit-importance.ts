import { combineMatrices, type Matrix, transpose } from "./matrix.ts";
import { type Factors, gradientFromFactors, groupImportance } from "./structured-pruning.ts";

/** A weight [o, i] with the factors of its adapter at the start of a round, what they have moved by, and the scale of both. */
export interface MovedWeight {
  readonly weight: Matrix;
  readonly before: Factors;
  /** The factors before less those after: along the gradient. */
  readonly descent: Factors;
  readonly scale: number;
}

/**
 * Importance of the units that are rows of one weight and columns of the next: the sum of both, as `groupImportance`. What has
 * no adapter tells nothing of its gradient and is left out.
 *
 * @example
 * ```ts
 * import { matrixOf, unitImportance } from "@anabranch/core";
 * const [one, none] = [matrixOf([[1]]), matrixOf([[0]])];
 * const moved = { weight: matrixOf([[2]]), before: { a: one, b: none }, descent: { a: none, b: one }, scale: 3 };
 * unitImportance(1, { rows: moved }); // => [36]
 * ```
 */
export function unitImportance(
  units: number,
  { rows, columns }: { readonly rows?: MovedWeight | undefined; readonly columns?: MovedWeight | undefined },
): number[] {
  const sum = Array.from({ length: units }, () => 0);
  const groups = sum.map((_, unit) => [unit]);
  const add = (moved: MovedWeight, turned: boolean) => {
    const { weight, before, gradient } = scaled(moved);
    const found = turned
      ? groupImportance(transpose(weight), swapped(before), transpose(gradient), groups)
      : groupImportance(weight, before, gradient, groups);
    for (const [unit, value] of found.entries()) sum[unit]! += value;
  };
  if (rows !== undefined) add(rows, false);
  if (columns !== undefined) add(columns, true);
  return sum;
}

/** With the scale in the second factor. */
function scaled({ weight, before, descent, scale }: MovedWeight) {
  const grown = ({ a, b }: Factors): Factors => ({ a, b: combineMatrices([scale], [b]) });
  return { weight, before: grown(before), gradient: gradientFromFactors(grown(before), grown(descent)) };
}

/** (B A)^T = A^T B^T */
const swapped = ({ a, b }: Factors): Factors => ({ a: transpose(b), b: transpose(a) });
