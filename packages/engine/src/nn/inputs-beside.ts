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
  return products(outputs).flatMap(([left, right]) =>
    right.node === weight.node && right.output === weight.output ? [left] : [],
  );
}

/**
 * What the last layer multiplies by its weight: the left operand of the last matrix product on the way to some outputs.
 *
 * @example
 * ```ts
 * import { constant, evaluate, layerInput, matmul } from "@anabranch/engine";
 * const outputs = matmul(constant([3, 4], [1, 2]), constant([1, 2], [2, 1]));
 * evaluate(layerInput(outputs)!).data; // => [3, 4]
 * ```
 */
export function layerInput(outputs: Tensor): Tensor | undefined {
  return products(outputs).at(-1)?.[0];
}

/** Operands of the products, none of which is transposed. */
function products(outputs: Tensor): (readonly [left: Tensor, right: Tensor])[] {
  return sortNodes([outputs]).flatMap(({ operator, inputs, attributes }) =>
    operator === matmulOperator && attributes.transposeA !== true && attributes.transposeB !== true
      ? [[inputs[0]!, inputs[1]!] as const]
      : [],
  );
}
