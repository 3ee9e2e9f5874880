import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { formatShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { mul } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { slice } from "../ops/pieces.ts";
import { cast } from "../ops/selection.ts";
import { reshape } from "../ops/shape.ts";
import type { Module } from "./module.ts";

/**
 * Sets units to zero with probability `rate` and scales the others by 1 / (1 - rate), so that evaluation needs no change.
 * The bits come packed from the host's seeded generator (see `ApplyContext`), which is 32 times less to copy than floats.
 * N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014.
 *
 * @param shape activation of one example
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const layer = nn.dropout("drop", [4], 0.5);
 * layer.masks; // => [{ name: "drop", shape: [4], keep: 0.5 }]
 * ```
 */
export function dropout(name: string, shape: readonly number[], rate: number): Module {
  if (!(rate >= 0 && rate < 1)) {
    throw new AnabranchError({
      code: "engine/option",
      message: "a dropout rate must leave some units",
      where: name,
      received: String(rate),
      expected: "0 <= rate < 1",
      advice: "Choose a rate in that range; 0 switches the layer off.",
    });
  }
  if (rate === 0) return { parameters: [], masks: [], apply: (_parameters, x) => x };
  const keep = 1 - rate;
  return {
    parameters: [],
    masks: [{ name, shape, keep }],
    apply(_parameters, x, context) {
      if (context?.masks === undefined || Object.keys(context.masks).length === 0) return x;
      const bits = context.masks[name];
      if (bits !== undefined) return mul(x, unpackMask(bits, shape, keep));
      throw new AnabranchError({
        code: "engine/missing-mask",
        message: "masks are given, but not for this dropout layer",
        where: name,
        received: Object.keys(context.masks).join(", "),
        expected: `a mask for examples of shape ${formatShape(shape)}`,
        advice: "Pass a mask for every layer of the module's masks, or no mask at all for evaluation.",
      });
    },
  };
}

/**
 * Factors 0 or 1 / keep, [batch, ...shape], from packed bits [batch, bytes]: each byte picks a row of 8 factors.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * const bits = constant([0b00000101], [1, 1], "uint8");
 * evaluate(nn.unpackMask(bits, [4], 0.5)).data; // => [2, 0, 2, 0]
 * ```
 */
export function unpackMask(bits: Tensor, shape: readonly number[], keep: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const bytes = Math.ceil(size / 8);
  const batch = bits.shape[0]!;
  const table = Array.from({ length: 256 * 8 }, (_, i) => (((i >> 3) >> (i & 7)) & 1 ? 1 / keep : 0));
  const rows = gather(constant(table, [256, 8]), cast(bits, "int32"));
  const flat = reshape(rows, [batch, bytes * 8]);
  const exact = size === bytes * 8 ? flat : slice(flat, [0, 0], [batch, size]);
  return reshape(exact, [batch, ...shape]);
}
