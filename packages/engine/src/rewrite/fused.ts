import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { broadcastOffsets } from "../graph/host.ts";
import { float, int } from "../onnx/attributes.ts";
import { conv2dOperator } from "../ops/convolution.ts";
import { evaluateMatmul, matmulOperator } from "../ops/matmul.ts";

/**
 * Operators that only `specialize` creates, after differentiation: they have no gradient and no place in the table of
 * serialized programs. Their plain evaluation exists so that a fused graph can be compared with the original one.
 */

/** alpha op(a) op(b) + beta c with c broadcast: inputs a, b, c of rank 2 (c may have rank 1). */
export const gemmOperator: Operator = {
  name: "gemm",
  infer: (inputs, attributes) => matmulOperator.infer(inputs.slice(0, 2), attributes, []),
  lower: (lowering, node, inputs) => [
    lowering.emit("Gemm", inputs, {
      transA: int(node.attributes.transposeA === true ? 1 : 0),
      transB: int(node.attributes.transposeB === true ? 1 : 0),
      alpha: float(node.attributes.alpha as number),
      beta: float(node.attributes.beta as number),
    }),
  ],
  evaluate([a, b, c], node) {
    const product = evaluateMatmul(a!, b!, node);
    const offsets = broadcastOffsets(c!.shape, product.shape);
    const [alpha, beta] = [node.attributes.alpha as number, node.attributes.beta as number];
    const data = Float64Array.from(product.data, (v, i) => alpha * v + beta * c!.data[offsets[i]!]!);
    return [{ ...product, data }];
  },
};

export interface GemmScale {
  readonly alpha: number;
  readonly beta: number;
}

/** A product of rank 2 with another summand. */
export function gemm(product: Tensor, a: Tensor, b: Tensor, c: Tensor, scale: GemmScale): Tensor {
  const { transposeA, transposeB } = product.node.attributes;
  return apply(gemmOperator, [a, b, c], { transposeA: transposeA!, transposeB: transposeB!, ...scale });
}

/** Convolution with a bias for each filter: inputs x, weight, bias [O]. */
export const convolutionBiasOperator: Operator = {
  name: "conv2dBias",
  infer: (inputs, attributes) => conv2dOperator.infer(inputs.slice(0, 2), attributes, []),
  lower: (lowering, node, inputs) => conv2dOperator.lower(lowering, node, inputs),
  evaluate(inputs, node, evaluation) {
    const [y] = conv2dOperator.evaluate(inputs.slice(0, 2), node, evaluation);
    const [, filters, height, width] = y!.shape as [number, number, number, number];
    const data = Float64Array.from(y!.data, (v, i) => v + inputs[2]!.data[Math.floor(i / (height * width)) % filters]!);
    return [{ ...y!, data }];
  },
};
