import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import type { HostTensor } from "../graph/types.ts";
import { conv2d } from "./convolution.ts";
import { matmul } from "./matmul.ts";

/** A weight w and two thin factors a and b. */
interface Factors {
  readonly weight: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
}

/**
 * The product y of x with a weight s = w + a b, of inputs [y, x, w, a, b]. Its value is y; its gradients by a and b go through
 * the thin factors, so that of s is not computed. Of a matrix product, with the cotangent g:
 *   x: g s^T;  w: x^T g;  a: x^T (g b^T);  b: (x a)^T g
 */
export const lowRankProductOperator: Operator = {
  name: "lowRankProduct",
  infer: (inputs) => [inputs[0]!],
  gradient(node, cotangents) {
    const [y, x, weight, a, b] = node.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const { operator, attributes } = y.node;
    const gradientsOf = (product: Tensor, g: Tensor | undefined) => product.node.operator.gradient!(product.node, [g]);
    const g = cotangents[0];
    const thin = apply(operator, [x, a], attributes);
    const [thinGradient, ofB] = gradientsOf(operator.name === "matmul" ? matmul(thin, b) : conv2d(thin, b), g);
    const [, ofA] = gradientsOf(thin, thinGradient);
    const [, ofWeight] = gradientsOf(apply(operator, [x, weight], attributes), g);
    return [undefined, gradientsOf(y, g)[0], ofWeight, ofA, ofB];
  },
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs.slice(0, 1))],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

/**
 * A product with a weight w + a b, whose gradients go through the factors.
 *
 * @param y the product of x and the sum: of matrices [n, inputs] and [inputs, outputs], or a convolution
 * @param factors w [inputs, outputs], a [inputs, r] and b [r, outputs]; of a convolution w [outputs, inputs, size, size],
 *   a [r, inputs, size, size] and b [outputs, r, 1, 1]
 */
export function lowRankProduct(y: Tensor, x: Tensor, { weight, a, b }: Factors): Tensor {
  return apply(lowRankProductOperator, [y, x, weight, a, b]);
}
