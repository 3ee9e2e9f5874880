import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import type { HostTensor } from "../graph/types.ts";
import { matmul } from "./matmul.ts";

/** A weight w and two thin factors a and b. */
interface Factors {
  readonly weight: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
}

/**
 * The product y of x with a weight s = w + a b, of inputs [y, x, w, a, b]. Its value is y; its gradients by a and b go through
 * the thin factors, so that of s is not computed. With the cotangent g:
 *   x: g s^T;  w: x^T g;  a: x^T (g b^T);  b: (x a)^T g
 */
export const lowRankProductOperator: Operator = {
  name: "lowRankProduct",
  infer: (inputs) => [inputs[0]!],
  gradient(node, cotangents) {
    const [y, x, weight, a, b] = node.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const gradientsOf = (product: Tensor) => product.node.operator.gradient!(product.node, cotangents);
    const thin = matmul(x, a);
    const [thinGradient, ofB] = gradientsOf(matmul(thin, b));
    const [, ofA] = thin.node.operator.gradient!(thin.node, [thinGradient]);
    const [, ofWeight] = gradientsOf(matmul(x, weight));
    return [undefined, gradientsOf(y)[0], ofWeight, ofA, ofB];
  },
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs.slice(0, 1))],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

/**
 * A product with a weight w + a b, whose gradients go through the factors.
 *
 * @param y the product of x and the sum: of [n, inputs] and [inputs, outputs]
 * @param factors w [inputs, outputs], a [inputs, r] and b [r, outputs]
 */
export function lowRankProduct(y: Tensor, x: Tensor, { weight, a, b }: Factors): Tensor {
  return apply(lowRankProductOperator, [y, x, weight, a, b]);
}
