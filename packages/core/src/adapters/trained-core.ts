/**
 * Fed-SB: W + B R A with fixed B and A, of which only the core R [r, r] is trained and sent. The mean of products is the
 * product of the mean, so averaging is exact.
 *
 * Citation: R. Singhal et al., "Fed-SB: A Silver Bullet for Extreme Communication Efficiency and Performance in (Private)
 * Federated LoRA Fine-Tuning", TMLR 2026, arXiv:2502.15436, section 3.
 */
import { transposed, truncatedSvd } from "@anabranch/engine";
import { sharesOf } from "./low-rank-update.ts";
import { combineMatrices, type Matrix, times } from "./matrix.ts";

/** B [o, r], R [r, r] and A [r, i]. */
export interface TrainedCore {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly core: Matrix;
}

/**
 * The start: the first step of Adam on the weight itself, -learningRate sign(G) for the mean gradient G [o, i], cut to rank
 * r by its singular value decomposition U S V^T: B = U, R = S, A = V^T.
 *
 * @example
 * ```ts
 * import { coreFromGradient, matrixOf } from "@anabranch/core";
 * const { core } = coreFromGradient(matrixOf([[2, 3], [1, 4]]), 0.5, 1);
 * core.data; // => [1]
 * ```
 */
export function coreFromGradient(gradient: Matrix, learningRate: number, rank: number): TrainedCore {
  const { rows, columns } = gradient;
  const step = gradient.data.map((value) => -learningRate * Math.sign(value));
  const { rank: r, left, values, right } = truncatedSvd(step, rows, columns, rank);
  const core = new Float64Array(r * r);
  for (const [j, value] of values.entries()) core[j * (r + 1)] = value;
  return {
    a: { rows: r, columns, data: right },
    b: { rows, columns: r, data: transposed(left, r, rows) },
    core: { rows: r, columns: r, data: core },
  };
}

/**
 * B R A, [o, i].
 *
 * @example
 * ```ts
 * import { coreDelta, matrixOf, rowsOf } from "@anabranch/core";
 * const [a, b, core] = [matrixOf([[1, 2]]), matrixOf([[3]]), matrixOf([[2]])];
 * rowsOf(coreDelta({ a, b, core })); // => [[6, 12]]
 * ```
 */
export function coreDelta({ a, b, core }: TrainedCore): Matrix {
  return times(times(b, core), a);
}

/**
 * The mean of gradients with the weights of their clients.
 *
 * @example
 * ```ts
 * import { matrixOf, meanGradientOf, rowsOf } from "@anabranch/core";
 * rowsOf(meanGradientOf([matrixOf([[1]]), matrixOf([[4]])], [0.75, 0.25])); // => [[1.75]]
 * ```
 */
export function meanGradientOf(gradients: readonly Matrix[], weights: readonly number[]): Matrix {
  return combineMatrices(sharesOf(weights), gradients);
}

/**
 * The mean of cores, in which all clients count alike.
 *
 * @example
 * ```ts
 * import { matrixOf, meanOfCores, rowsOf } from "@anabranch/core";
 * rowsOf(meanOfCores([matrixOf([[1]]), matrixOf([[3]])])); // => [[2]]
 * ```
 */
export function meanOfCores(cores: readonly Matrix[]): Matrix {
  return combineMatrices(
    cores.map(() => 1 / cores.length),
    cores,
  );
}
