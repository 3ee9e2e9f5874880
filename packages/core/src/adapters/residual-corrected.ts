import { AnabranchError, symmetricEigen } from "@anabranch/engine";
import { exactUpdate, type LowRankUpdate, type WeightedUpdate } from "./low-rank-update.ts";
import { combineMatrices, type Matrix, times, transpose } from "./matrix.ts";
import { meanOfFactors } from "./mean-of-factors.ts";

/**
 * LoRA-FAIR: the means A and B of the factors, and on B a correction dB that brings B A nearer to the mean of the products:
 * argmin |exact / s - (B + dB) A|^2 + lambda |dB|^2 = (exact / s - B A) A^T (A A^T + lambda I)^-1.
 *
 * Citation: J. Bian, L. Wang, L. Zhang, J. Xu, "LoRA-FAIR: Federated LoRA Fine-Tuning with Aggregation and Initialization
 * Refinement", ICCV 2025, arXiv:2411.14961, eq. 9, with squared distances, whose minimum is in closed form.
 * @param lambda 0 or more; large: FedIT
 */
export function residualCorrected(updates: readonly WeightedUpdate[], lambda: number): LowRankUpdate {
  const mean = meanOfFactors(updates);
  const { a, b, scale } = mean;
  const residual = combineMatrices([1 / scale, -1], [exactUpdate(updates), times(b, a)]);
  const gram = times(a, transpose(a));
  const correction = times(times(residual, transpose(a)), inverse(gram, lambda));
  return { a, b: combineMatrices([1, 1], [b, correction]), scale };
}

/**
 * A regularisation that does not depend on the size of A: lambda times the mean eigenvalue of A A^T.
 *
 * @example
 * ```ts
 * import { matrixOf, relativeLambda } from "@anabranch/core";
 * relativeLambda({ a: matrixOf([[2, 0], [0, 4]]) }, 0.1); // => 1
 * ```
 */
export function relativeLambda({ a }: Pick<LowRankUpdate, "a">, lambda: number): number {
  return (lambda * a.data.reduce((sum, value) => sum + value * value, 0)) / Math.max(1, a.rows);
}

/** (X + lambda I)^-1 of a symmetric matrix X without negative eigenvalues; in directions where both are 0, it is 0. */
function inverse({ rows, data }: Matrix, lambda: number): Matrix {
  if (!(lambda >= 0)) {
    throw new AnabranchError({
      code: "adapters/option",
      message: "a regularisation must not be negative",
      where: "lambda",
      received: `${lambda}`,
      expected: "0 or more",
    });
  }
  const { values, vectors } = symmetricEigen(data, rows);
  const least = EXACT * Math.max(values[0] ?? 0, lambda);
  const scaled = vectors.map((value, at) => {
    const eigenvalue = values[at % rows]! + lambda;
    return eigenvalue > least ? value / eigenvalue : 0;
  });
  const basis = { rows, columns: rows, data: vectors };
  return times({ ...basis, data: scaled }, transpose(basis));
}

/** Eigenvalues below this part of the largest are rounding. */
const EXACT = 1e-13;
