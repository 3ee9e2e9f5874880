import { mapTensors, type TensorTree } from "../graph/trace.ts";
import { add, div, mul } from "../ops/elementwise.ts";
import { globalNorm } from "../ops/reductions.ts";
import { minimum } from "../ops/selection.ts";
import { requireOption } from "./optimizer.ts";

/**
 * Scales a tree down to at most `maxNorm` in the L2 norm over all its leaves together; shorter trees stay as they are.
 * The factor is min(1, maxNorm / (norm + 1e-6)), PyTorch's `clip_grad_norm_`, so a zero tree stays zero.
 *
 * @example
 * ```ts
 * import { clipByGlobalNorm, constant, evaluate } from "@anabranch/engine";
 * const clipped = clipByGlobalNorm({ w: constant([3, 4], [2]) }, 1);
 * evaluate(clipped.w).data; // => [0.6, 0.8]
 * ```
 */
export function clipByGlobalNorm<P extends TensorTree>(gradients: P, maxNorm: number): P {
  requireOption("clipByGlobalNorm", "maxNorm", maxNorm, maxNorm > 0, "more than 0");
  const factor = minimum(div(maxNorm, add(globalNorm(gradients), 1e-6)), 1);
  return mapTensors(gradients, (g) => mul(g, factor));
}
