import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { attention } from "../ops/attention.ts";
import { reshape, transpose } from "../ops/shape.ts";
import { gelu } from "./activations.ts";
import { residual, sequential } from "./compose.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import { normalInitialization } from "./initializers.ts";
import type { Module } from "./module.ts";
import { layerNorm } from "./normalization.ts";

export interface AttentionOptions {
  /** Positions see only themselves and earlier ones. Default false. */
  readonly causal?: boolean;
}

/**
 * Self-attention in `heads` subspaces of width / heads: [N, T, width] -> [N, T, width].
 * Four affine maps of their own, query, key, value and output, so that low-rank and matrix methods can address each.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const layer = nn.multiHeadAttention("attention", 8, 2);
 * nn.countParameters(layer.parameters); // => 288
 * ```
 */
export function multiHeadAttention(name: string, width: number, heads: number, options: AttentionOptions = {}): Module {
  if (width % heads !== 0) {
    throw new AnabranchError({
      code: "engine/option",
      message: "the width does not divide into heads",
      where: name,
      received: `width ${width}, heads ${heads}`,
      expected: "a width that is a multiple of the number of heads",
      advice: "Choose a number of heads that divides the width.",
    });
  }
  const map = (part: string) => dense(`${name}.${part}`, width, width, { initialization: normalInitialization });
  const [query, key, value, output] = [map("query"), map("key"), map("value"), map("output")];
  return {
    parameters: [
      ...[query, key, value].flatMap((m) => m.parameters.map((p) => ({ ...p, heads }))),
      ...output.parameters,
    ],
    masks: [],
    apply(p, x, context) {
      const split = (m: Module) => splitHeads(m.apply(p, x, context), heads);
      const mixed = attention(split(query), split(key), split(value), options);
      return output.apply(p, reshape(transpose(mixed, [0, 2, 1, 3]), x.shape), context);
    },
  };
}

/** [N, T, width] -> [N, heads, T, width / heads]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape;
  return transpose(reshape(x, [batch!, length!, heads, (width as number) / heads]), [0, 2, 1, 3]);
}

export interface TransformerBlockOptions extends AttentionOptions {
  readonly width: number;
  readonly heads: number;
  /** Width of the hidden layer. Default 4 * width. */
  readonly hidden?: number;
  /** Rate on both residual branches; needs `length`. Default 0. */
  readonly dropout?: number;
  /** T, needed for the shape of the dropout masks. */
  readonly length?: number;
}

/**
 * Pre-norm transformer block [N, T, width]: x <- x + attention(norm(x)); x <- x + mlp(norm(x)).
 * R. Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020, arXiv:2002.04745.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const block = nn.transformerBlock("block", { width: 8, heads: 2, hidden: 16 });
 * nn.countParameters(block.parameters); // => 600
 * ```
 */
export function transformerBlock(name: string, options: TransformerBlockOptions): Module {
  const { width, heads, hidden = 4 * width, causal = false, dropout: rate = 0, length = 0 } = options;
  if (rate > 0 && length < 1) {
    throw new AnabranchError({
      code: "engine/option",
      message: "dropout needs the length of the sequences for the shape of its masks",
      where: name,
      received: `dropout ${rate}, length ${length}`,
      expected: "length: T",
      advice: "Give the option length.",
    });
  }
  const initialization = normalInitialization;
  return sequential(
    residual(
      sequential(
        layerNorm(`${name}.norm1`, width),
        multiHeadAttention(`${name}.attention`, width, heads, { causal }),
        dropout(`${name}.dropout1`, [length, width], rate),
      ),
    ),
    residual(
      sequential(
        layerNorm(`${name}.norm2`, width),
        dense(`${name}.dense1`, width, hidden, { initialization }),
        gelu,
        dense(`${name}.dense2`, hidden, width, { initialization }),
        dropout(`${name}.dropout2`, [length, width], rate),
      ),
    ),
  );
}
