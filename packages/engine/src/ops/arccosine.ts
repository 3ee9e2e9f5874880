import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { asTensor, type Operand } from "../graph/sources.ts";
import { less } from "./comparison.ts";
import { abs, div, neg, sqrt, square, sub } from "./elementwise.ts";
import { unary } from "./pointwise.ts";
import { where } from "./selection.ts";

const acosOperator = unary({
  name: "acos",
  onnx: (lowering, [x]) =>
    lowering.emit("Acos", [lowering.emit("Clip", [x!, lowering.scalar(-1), lowering.scalar(1)])]),
  value: (x) => Math.acos(Math.min(1, Math.max(-1, x))),
  gradient: (ct, x) => {
    const isInside = less(abs(x), 1);
    const slope = neg(div(ct, sqrt(sub(1, square(where(isInside, x, 0))))));
    return where(isInside, slope, 0);
  },
});

/**
 * The angle, 0 to pi, whose cosine is x. A cosine beyond -1 or 1 by rounding counts as that; the gradient there is 0.
 *
 * @example
 * ```ts
 * import { acos, constant, evaluate } from "@anabranch/engine";
 * evaluate(acos(constant([1, 0], [2]))).data; // => [0, 1.5708]
 * ```
 */
export function acos(x: Operand): Tensor {
  return apply(acosOperator, [asTensor(x)]);
}

/**
 * The operators of this file, for the table that deserializes programs.
 *
 * @example
 * ```ts
 * import { arccosineOperators } from "@anabranch/engine";
 * arccosineOperators.map(({ name }) => name); // => ["acos"]
 * ```
 */
export const arccosineOperators: readonly Operator[] = [acosOperator];
