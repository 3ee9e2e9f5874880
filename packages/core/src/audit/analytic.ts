/**
 * Inputs of a dense layer z = W x + b from its gradient: the row r of W has the gradient delta_r x, and b_r has delta_r.
 *
 * Citations: L. T. Phong et al., "Privacy-Preserving Deep Learning via Additively Homomorphic Encryption", IEEE TIFS 13, 2018;
 * L. Fowl et al., "Robbing the Fed: Directly Obtaining Private Data in Federated Learning with Modified Models", ICLR 2022,
 * arXiv:2110.13057 (imprint layers).
 */
import type { LayerGradient } from "./label-recovery.ts";

/** Differences of bias gradients that count as none. */
const NOTHING = 1e-9;

/**
 * The input of a layer as the row with the largest bias gradient shows it: exact for a single example, and after several steps
 * on it where the layer's input does not change. Undefined where the bias has no gradient: there is no information.
 *
 * @example
 * ```ts
 * import { inputOfLayer } from "@anabranch/core";
 * inputOfLayer({ weights: [[2, 4], [1, 2]], bias: [2, 1] }); // => [1, 2]
 * ```
 */
export function inputOfLayer({ weights, bias = [] }: LayerGradient): number[] | undefined {
  const sizes = Array.from(bias, Math.abs);
  const row = sizes.reduce((best, size, r) => (size > sizes[best]! ? r : best), 0);
  return sizes.length === 0 || !(sizes[row]! > 0) ? undefined : ratio(weights[row]!, bias[row]!);
}

/**
 * One candidate per row with a bias gradient: a mean of the examples that activate the row's neuron, weighted by their errors.
 * A row that a single example activates shows that example. Larger bias gradients first.
 *
 * @example
 * ```ts
 * import { inputsByRow } from "@anabranch/core";
 * inputsByRow({ weights: [[2, 4], [0, 0], [3, 3]], bias: [2, 0, 3] }); // => [[1, 1], [1, 2]]
 * ```
 */
export function inputsByRow({ weights, bias = [] }: LayerGradient): number[][] {
  const sizes = Array.from(bias, Math.abs);
  const rows = sizes.flatMap((size, row) => (size > 0 ? [row] : [])).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  return rows.map((row) => ratio(weights[row]!, bias[row]!));
}

/** What one bin of an imprint layer shows. */
export interface Imprinted {
  readonly bin: number;
  readonly x: readonly number[];
}

/**
 * The examples in the bins of an imprint layer, whose rows are equal and whose biases are the negative edges of bins of a
 * measurement of the input. Differences of neighbouring rows isolate a bin; past the last one the gradient counts as 0. Exact
 * where one example lies in a bin. With k bins of equal mass, a share of about (1 - 1/k)^(B - 1) of B examples is alone in its.
 *
 * @example
 * ```ts
 * import { inputsByBin } from "@anabranch/core";
 * inputsByBin({ weights: [[3, 5], [1, 2]], bias: [2, 1] }); // => [{ bin: 0, x: [2, 3] }, { bin: 1, x: [1, 2] }]
 * ```
 */
export function inputsByBin({ weights, bias = [] }: LayerGradient): Imprinted[] {
  return Array.from(bias).flatMap((own, bin) => {
    const difference = own - (bias[bin + 1] ?? 0);
    if (Math.abs(difference) <= NOTHING) return [];
    const next = weights[bin + 1];
    return [{ bin, x: Array.from(weights[bin]!, (value, i) => (value - (next?.[i] ?? 0)) / difference) }];
  });
}

function ratio(row: ArrayLike<number>, bias: number): number[] {
  return Array.from(row, (value) => value / bias);
}
