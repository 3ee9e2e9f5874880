import { div, globalNorm, mapTensors, maximum, mul, type TensorTree } from "@anabranch/engine";

/**
 * A tree scaled down to at most `norm` in the L2 norm over all its leaves together. Exactly: `clipByGlobalNorm` of the
 * engine has PyTorch's 1e-6 in the divisor. Without a norm, the tree as it is.
 */
export function clippedTogether<P extends TensorTree>(tree: P, norm: number | undefined): P {
  if (norm === undefined || norm === Number.POSITIVE_INFINITY) return tree;
  const factor = div(norm, maximum(globalNorm(tree), norm));
  return mapTensors(tree, (leaf) => mul(leaf, factor));
}
