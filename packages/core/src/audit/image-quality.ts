import { assign } from "../clustering/index.ts";

/** How close reconstructions are to the examples that they are matched with. */
export interface Match {
  /** The reconstruction of each true example, [truths]; -1 where there are fewer reconstructions. */
  readonly assignment: readonly number[];
  /** Mean squared error of each match, [truths]; infinite for a truth without a reconstruction. */
  readonly mse: readonly number[];
  /** Peak signal-to-noise ratio of each match in dB, [truths]. */
  readonly psnr: readonly number[];
  /** Mean over the matched truths; NaN where there are none. */
  readonly meanPsnr: number;
}

/**
 * Matches reconstructions with true examples by the smallest total mean squared error, as the order of a batch means
 * nothing.
 *
 * @param truth values in [0, 1] of each example, all of one length
 * @example
 * ```ts
 * import { matchExamples } from "@anabranch/core";
 * const { assignment, psnr } = matchExamples([[0, 0], [1, 1]], [[0.9, 0.9], [0.1, 0.1]]);
 * assignment; // => [1, 0]
 * Math.round(psnr[0]!); // => 20
 * ```
 */
export function matchExamples(truth: readonly ArrayLike<number>[], reconstructed: readonly ArrayLike<number>[]): Match {
  const costs = truth.map((own) => reconstructed.map((other) => meanSquaredError(own, other)));
  const assignment = reconstructed.length === 0 ? truth.map(() => -1) : assign(costs);
  const mse = assignment.map((column, row) => (column < 0 ? Number.POSITIVE_INFINITY : costs[row]![column]!));
  const psnr = mse.map(psnrOf);
  const matched = psnr.filter((_, row) => assignment[row]! >= 0);
  return { assignment, mse, psnr, meanPsnr: matched.reduce((sum, value) => sum + value, 0) / matched.length };
}

/**
 * Peak signal-to-noise ratio in dB of values in [0, 1]: 10 log10(1 / MSE).
 *
 * @example
 * ```ts
 * import { psnrOf } from "@anabranch/core";
 * psnrOf(0.01); // => 20
 * ```
 */
export function psnrOf(mse: number): number {
  return 10 * Math.log10(1 / mse);
}

/** Mean of the squared differences of two lists of one length. */
function meanSquaredError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}
