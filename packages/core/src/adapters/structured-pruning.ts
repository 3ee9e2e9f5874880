/**
 * FedSpine: rows of frozen weights that matter least are removed while adapters train, and what pruned clients send is put
 * back in place.
 *
 * Citation: Z. Yao et al., "Efficient Deployment of Large Language Models on Resource-constrained Devices" (FedSpine), 2025,
 * arXiv:2501.02438, sections 3.2 and 3.4; importance as in M. Zhang et al., "LoRAPrune", ACL 2024, arXiv:2305.18403, eq. 10.
 */
import { AnabranchError } from "@anabranch/engine";
import { type LowRankUpdate, sharesOf } from "./low-rank-update.ts";
import { combineMatrices, type Matrix, shape, shapeError, times, zeroMatrix } from "./matrix.ts";

/** A pair of factors, or their gradients. */
export type Factors = Pick<LowRankUpdate, "a" | "b">;

/**
 * The gradient of W + B A as far as the gradients of the factors tell it: dB A + B dA - dB dA, [o, i].
 *
 * @example
 * ```ts
 * import { gradientFromFactors, matrixOf, rowsOf } from "@anabranch/core";
 * const [one, none] = [matrixOf([[1]]), matrixOf([[0]])];
 * rowsOf(gradientFromFactors({ a: matrixOf([[2]]), b: one }, { a: none, b: matrixOf([[3]]) })); // => [[6]]
 * ```
 */
export function gradientFromFactors({ a, b }: Factors, gradients: Factors): Matrix {
  return combineMatrices([1, 1, -1], [times(gradients.b, a), times(b, gradients.a), times(gradients.b, gradients.a)]);
}

/**
 * Importance of groups of rows of W [o, i]: the sum over their entries of ((W + B A) G)^2 for the gradient G [o, i].
 *
 * @example
 * ```ts
 * import { groupImportance, matrixOf } from "@anabranch/core";
 * const weight = matrixOf([[1, 0], [0, 2]]);
 * const none = { a: matrixOf([[0, 0]]), b: matrixOf([[0], [0]]) };
 * const gradient = matrixOf([[3, 3], [1, 1]]);
 * groupImportance(weight, none, gradient, [[0], [1]]); // => [9, 4]
 * ```
 */
export function groupImportance(
  weight: Matrix,
  { a, b }: Factors,
  gradient: Matrix,
  groups: readonly (readonly number[])[],
): number[] {
  const adapted = combineMatrices([1, 1], [weight, times(b, a)]);
  const ofRow = (row: number) => {
    requireRow(row, weight.rows);
    let sum = 0;
    for (let i = row * weight.columns; i < (row + 1) * weight.columns; i++) {
      sum += (adapted.data[i]! * gradient.data[i]!) ** 2;
    }
    return sum;
  };
  return groups.map((rows) => rows.reduce((sum, row) => sum + ofRow(row), 0));
}

/**
 * The floor(ratio n) of n groups with the lowest importance, ascending; of equal ones the lower index.
 *
 * @example
 * ```ts
 * import { leastImportant } from "@anabranch/core";
 * leastImportant([5, 1, 3, 1], 0.5); // => [1, 3]
 * ```
 */
export function leastImportant(importance: readonly number[], ratio: number): number[] {
  return lowest(importance, shareOf(importance.length, ratio));
}

/** A client's factors of the rows that it has kept: B [kept, r], A [r, i]. */
export interface PrunedUpdate extends Factors {
  /** Their places among the rows of the whole weight. */
  readonly rows: readonly number[];
  readonly weight: number;
}

/**
 * sum_k p_k B_k A_k over the whole weight [o, i]: rows that a client has pruned are zeros of its own.
 *
 * @example
 * ```ts
 * import { matrixOf, rowsOf, scattered } from "@anabranch/core";
 * const update = { a: matrixOf([[1, 2]]), b: matrixOf([[3]]), rows: [1], weight: 1 };
 * rowsOf(scattered([update], 2, 2)); // => [[0, 0], [3, 6]]
 * ```
 */
export function scattered(updates: readonly PrunedUpdate[], rows: number, columns: number): Matrix {
  const shares = sharesOf(updates.map(({ weight }) => weight));
  return combineMatrices(
    shares,
    updates.map((update) => placed(update, rows, columns)),
  );
}

function placed({ a, b, rows: kept }: PrunedUpdate, rows: number, columns: number): Matrix {
  if (kept.length !== b.rows || a.columns !== columns)
    throw shapeError(
      "factors do not fit the rows that were kept",
      `A ${shape(a)}, B ${shape(b)}`,
      `${kept.length} rows`,
    );
  const part = times(b, a);
  const whole = zeroMatrix(rows, columns);
  for (const [k, row] of kept.entries()) {
    requireRow(row, rows);
    whole.data.set(part.data.subarray(k * columns, (k + 1) * columns), row * columns);
  }
  return whole;
}

/** floor(ratio n), where ratio n is meant to be an integer also where float arithmetic ends just below it. */
export function shareOf(n: number, ratio: number): number {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new AnabranchError({
      code: "adapters/option",
      message: "a share is out of range",
      received: `${ratio}`,
      expected: "0 to 1",
    });
  }
  return Math.floor(ratio * n + 1e-9);
}

/** The places of the `count` lowest values, ascending; of equal ones the lower place. */
export function lowest(values: readonly number[], count: number): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]! || i - j);
  return order.slice(0, count).sort((i, j) => i - j);
}

function requireRow(row: number, rows: number): void {
  if (Number.isInteger(row) && row >= 0 && row < rows) return;
  throw shapeError("a row is not in the weight", `${row}`, `0 to ${rows - 1}`);
}
