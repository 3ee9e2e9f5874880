import type { Tensor } from "../graph/graph.ts";
import { product } from "../graph/shape.ts";
import type { Shape } from "../graph/types.ts";
import { add } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { reshape } from "../ops/shape.ts";

/** A weight as a sum of a weight and a product of two thin factors. */
export interface LowRankParts {
  /** [inputs, outputs], or of a convolution [outputs, inputs, size, size]. */
  readonly weight: Tensor;
  /** [inputs, r], or [r, inputs, size, size]. */
  readonly a: Tensor;
  /** [r, outputs], or [outputs, r, 1, 1]. */
  readonly b: Tensor;
}

/**
 * A weight plus the product of two factors of rank r. Dense layers that are given such a weight, and convolutions with few
 * outputs, apply the factors one after the other: what is never trained then has no gradient to compute.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * const weight = constant([1, 0, 0, 1], [2, 2]);
 * const sum = nn.lowRankSum({ weight, a: constant([1, 2], [2, 1]), b: constant([3, 4], [1, 2]) });
 * evaluate(sum).data; // => [4, 4, 6, 9]
 * ```
 */
export function lowRankSum({ weight, a, b }: LowRankParts): Tensor {
  if (weight.shape.length === 2) return add(weight, matmul(a, b));
  const [outputs, rank] = b.shape;
  const width = a.shape.slice(1).reduce<number>((product, extent) => product * (extent as number), 1);
  const delta = matmul(reshape(b, [outputs!, rank!]), reshape(a, [rank!, width]));
  return add(weight, reshape(delta, weight.shape));
}

/** The parts of a weight that `lowRankSum` has made; undefined for other weights. */
export function lowRankParts(weight: Tensor): LowRankParts | undefined {
  const sum = inputsOf(weight, "add");
  if (sum === undefined) return undefined;
  const [base, delta] = sum as [Tensor, Tensor];
  if (weight.shape.length === 2) {
    const factors = inputsOf(delta, "matmul");
    return factors && { weight: base, a: factors[0]!, b: factors[1]! };
  }
  const flat = inputsOf(delta, "reshape")?.[0];
  const factors = flat && inputsOf(flat, "matmul");
  const [b, a] = factors?.map((factor) => inputsOf(factor, "reshape")?.[0]) ?? [];
  return a && b && { weight: base, a, b };
}

/**
 * Whether the sum of a weight and a product is cheaper than what the two factors add to each of so many rows.
 *
 * @param rows axes of the rows
 * @param weight [inputs, outputs], or of a convolution [outputs, inputs, size, size]
 */
export function hasManyRows(rows: Shape, weight: Shape): boolean {
  if (![...rows, ...weight].every((extent) => typeof extent === "number")) return false;
  const [count, all] = [product(rows), product(weight)] as [number, number];
  const outputs = (weight.length === 2 ? weight[1] : weight[0]) as number;
  return count * (all / outputs + outputs) > all;
}

function inputsOf({ node }: Tensor, operator: string): readonly Tensor[] | undefined {
  const plain = node.attributes["transposeA"] !== true && node.attributes["transposeB"] !== true;
  return node.operator.name === operator && plain ? node.inputs : undefined;
}
