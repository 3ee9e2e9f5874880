import type { Tensor } from "../graph/graph.ts";
import { sameShape, staticDim } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { add, mul } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { shapeError, showTensors } from "./operands.ts";
import { softmax } from "./softmax.ts";

/** Added to the scores of positions that must not be seen; exp of it is 0 in float32 and float64. */
const MASKED = -1e9;

/**
 * softmax(q k^T / sqrt(d)) v.
 * A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv:1706.03762, eq. 1.
 *
 * @param q [..., T, d]
 * @param k [..., S, d]
 * @param v [..., S, e]
 * @param options.causal position t sees positions up to t only; needs static T = S
 * @returns [..., T, e]
 * @example
 * ```ts
 * import { attention, constant, evaluate } from "@anabranch/engine";
 * const q = constant([1, 0, 0, 1], [1, 2, 2]); // [batch, positions, width]
 * const y = attention(q, q, q, { causal: true });
 * evaluate(y).data; // => [1, 0, 0.33024, 0.66976]
 * ```
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: { readonly causal?: boolean } = {}): Tensor {
  const rank = q.shape.length;
  if (
    rank < 2 ||
    k.shape.length !== rank ||
    v.shape.length !== rank ||
    !sameShape(q.shape.slice(0, -2), k.shape.slice(0, -2))
  ) {
    throw shapeError(
      "attention",
      "queries, keys and values do not fit",
      showTensors([q, k, v]),
      "[..., T, d], [..., S, d], [..., S, e]",
    );
  }
  if (options.causal === true && q.shape[rank - 2] !== k.shape[rank - 2]) {
    throw shapeError("attention", "causal attention needs a key for each query", showTensors([q, k]), "T = S");
  }
  const width = staticDim(q.shape[rank - 1]!, "attention");
  // scaling the queries costs T d products instead of T S
  const scores = matmul(mul(q, 1 / Math.sqrt(width)), k, { transposeB: true });
  const masked = options.causal === true ? add(scores, causalMask(staticDim(q.shape[rank - 2]!, "attention"))) : scores;
  return matmul(softmax(masked), v);
}

/** [T, T]: 0 on and below the diagonal, very negative above. */
function causalMask(length: number): Tensor {
  const data = Float64Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? MASKED : 0,
  );
  return constant(data, [length, length]);
}
