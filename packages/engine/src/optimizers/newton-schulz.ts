import type { Tensor } from "../graph/graph.ts";
import { sum } from "../ops/broadcast.ts";
import { add, div, mul, sqrt, square } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { requireOption } from "./optimizer.ts";

export interface NewtonSchulzOptions {
  /** Default 5. */
  readonly iterations?: number;
  /**
   * a, b, c of s -> a s + b s^3 + c s^5, applied to every singular value. Default: Muon's, steep at 0 and only near 1 in the
   * end (5 iterations bring [0.01, 1] into [0.68, 1.21]). [1.5, -0.5, 0] converges to 1, hence to the polar factor.
   */
  readonly coefficients?: readonly [number, number, number];
}

/**
 * Brings all singular values of matrices near 1 and leaves their singular vectors, by products of matrices alone:
 *
 *   X <- x / (|x|_F + 1e-7);  iterations times: X <- a X + b (X X') X + c (X X')^2 X
 *
 * computed from the smaller one of X X' and X' X, so that wide and tall matrices cost the same. Zeros stay zeros.
 * Reference: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (coefficients); A. Bjorck,
 * C. Bowie, "An Iterative Algorithm for Computing the Best Estimate of an Orthogonal Matrix", SIAM J. Numer. Anal. 8, 1971.
 *
 * @param x [..., rows, columns], one matrix or a batch, of known extents
 * @returns the shape of x
 * @example
 * ```ts
 * import { constant, newtonSchulz } from "@anabranch/engine";
 * const x = newtonSchulz(constant([2, 0, 0, 1], [2, 2]));
 * x.shape; // => [2, 2]
 * ```
 */
export function newtonSchulz(x: Tensor, options: NewtonSchulzOptions = {}): Tensor {
  const { iterations = 5, coefficients: [a, b, c] = [3.4445, -4.775, 2.0315] } = options;
  const whole = Number.isInteger(iterations) && iterations >= 1;
  requireOption("newtonSchulz", "iterations", iterations, whole, "a positive integer");
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const tall = rows > columns;
  const norm = sqrt(sum(square(x), [-2, -1], true));
  let y = div(x, add(norm, 1e-7));
  for (let i = 0; i < iterations; i++) {
    const gram = matmul(y, y, tall ? { transposeA: true } : { transposeB: true });
    // sums of the form beta m + a b: one Gemm each
    const factor = add(mul(gram, b), matmul(mul(gram, c), gram));
    y = add(mul(y, a), tall ? matmul(y, factor) : matmul(factor, y));
  }
  return y;
}
