import type { Tensor } from "../graph/graph.ts";
import { sortNodes } from "../graph/traversal.ts";
import { matmulOperator } from "../ops/matmul.ts";

/**
 * What a weight multiplies on its way to some outputs: the left operands of matrix products with it, none of them transposed,
 * in the order of evaluation. Products inside of scans and conditions are not looked at.
 *
 * @example
 * ```ts
 * import { constant, evaluate, inputsBeside, matmul, mul } from "@anabranch/engine";
 * const weight = constant([1, 2], [2, 1]);
 * const outputs = mul(matmul(constant([3, 4], [1, 2]), weight), 10);
 * inputsBeside(outputs, weight).map((x) => evaluate(x).data); // => [[3, 4]]
 * ```
 */
export function inputsBeside(outputs: Tensor, weight: Tensor): Tensor[] {
  return sortNodes([outputs]).flatMap(({ operator, inputs, attributes }) => {
    const [left, right] = inputs;
    const uses = operator === matmulOperator && right?.node === weight.node && right.output === weight.output;
    return uses && attributes.transposeA !== true && attributes.transposeB !== true ? [left!] : [];
  });
}
