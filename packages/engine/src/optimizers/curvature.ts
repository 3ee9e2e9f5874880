import { valueAndGrad } from "../autodiff/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import type { Operand } from "../graph/sources.ts";
import { mapTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { sum } from "../ops/broadcast.ts";
import { add, mul, square } from "../ops/elementwise.ts";
import { combineTrees } from "./optimizer.ts";

/**
 * H u, the Hessian at `parameters` times a tangent: the gradient of <gradientOf(x), u> by x. About twice the work of a
 * gradient.
 *
 * @param gradientOf gradient of a scalar as a traced function, e.g. by `valueAndGrad`; not clipped
 * @param tangent tree of the structure of `parameters`, a constant of x
 * @example
 * ```ts
 * import { type Tensor, constant, evaluate, hessianProduct, mul } from "@anabranch/engine";
 * const gradientOf = ({ w }: { w: Tensor }) => ({ w: mul(w, constant([2, 8], [2])) });
 * const product = hessianProduct(gradientOf, { w: constant([1, 1], [2]) }, { w: constant([1, 3], [2]) });
 * evaluate(product.w).data; // => [2, 24]
 * ```
 */
export function hessianProduct<P extends TensorTree>(gradientOf: (parameters: P) => P, parameters: P, tangent: P): P {
  const slope = (at: P): Tensor => {
    const products = combineTrees("hessianProduct", (_path, g, u) => sum(mul(g, u)), gradientOf(at), tangent);
    return tensorLeaves(products)
      .map(({ leaf }) => leaf)
      .reduce((a, b) => add(a, b));
  };
  return valueAndGrad(slope, parameters).gradients;
}

/**
 * u * H u, element by element: for a random u of independent entries +-1 an unbiased estimate of the Hessian's diagonal,
 * exact where the Hessian is diagonal. Entries may be negative.
 * M. F. Hutchinson, "A Stochastic Estimator of the Trace of the Influence Matrix for Laplacian Smoothing Splines",
 * Communications in Statistics 18, 1989; as in Sophia (arXiv:2305.14342, Algorithm 1).
 *
 * @example
 * ```ts
 * import { type Tensor, constant, evaluate, hutchinson, mul } from "@anabranch/engine";
 * const gradientOf = ({ w }: { w: Tensor }) => ({ w: mul(w, constant([2, 8], [2])) });
 * const diagonal = hutchinson(gradientOf, { w: constant([1, 1], [2]) }, { w: constant([1, -1], [2]) });
 * evaluate(diagonal.w).data; // => [2, 8]
 * ```
 */
export function hutchinson<P extends TensorTree>(gradientOf: (parameters: P) => P, parameters: P, probe: P): P {
  const product = hessianProduct(gradientOf, parameters, probe);
  return combineTrees("hutchinson", (_path, u, v) => mul(u, v), probe, product);
}

/**
 * B * g * g, element by element, where g is the gradient of a mean of B negative log-likelihoods whose labels were sampled
 * from the model itself: an unbiased estimate of the diagonal of the generalised Gauss-Newton matrix, never negative.
 * H. Liu et al., "Sophia" (arXiv:2305.14342, Algorithm 2), Gauss-Newton-Bartlett.
 *
 * @param terms B: examples of the batch, times positions where each has several labels
 * @example
 * ```ts
 * import { constant, evaluate, gaussNewtonBartlett } from "@anabranch/engine";
 * evaluate(gaussNewtonBartlett({ w: constant([1, 3], [2]) }, 10).w).data; // => [10, 90]
 * ```
 */
export function gaussNewtonBartlett<P extends TensorTree>(gradients: P, terms: Operand): P {
  return mapTensors(gradients, (g) => mul(square(g), terms));
}
