import { abs, add, mul, square, sub, sum, type Tensor } from "@anabranch/engine";

/** Weights of a network of two graph convolutions and a classifier: matrices [out, in], biases [out]. */
export type GraphParameters = Readonly<Record<"W1" | "b1" | "W2" | "b2" | "Wc" | "bc", Tensor>>;
/** Private factors of the weights, of their shapes; biases have none. */
export type WeightMasks = Readonly<Record<"W1" | "W2" | "Wc", Tensor>>;

/**
 * FED-PUB's two regularisers: lambda1 sum |m| keeps masks sparse, lambda2 |w - received|^2 keeps weights and biases near
 * the model that the server sent. Both have gradients; in the released code they have none.
 *
 * J. Baek, W. Jeong, J. Jin, J. Yoon, S. J. Hwang, "Personalized Subgraph Federated Learning", ICML 2023, arXiv:2206.10206.
 *
 * @example
 * ```ts
 * import { maskRegularisers } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const all = (value: number) => {
 *   const [weight, bias] = [constant([value], [1, 1]), constant([value], [1])];
 *   return { W1: weight, b1: bias, W2: weight, b2: bias, Wc: weight, bc: bias };
 * };
 * evaluate(maskRegularisers(all(3), all(1), all(2), { sparsity: 0.1, pull: 1 })).data; // => [6.6]
 * ```
 */
export function maskRegularisers(
  parameters: GraphParameters,
  masks: WeightMasks,
  received: GraphParameters,
  { sparsity, pull }: { readonly sparsity: number; readonly pull: number },
): Tensor {
  const size = Object.values(masks).map((mask) => sum(abs(mask)));
  const names = Object.keys(parameters) as (keyof GraphParameters)[];
  const distance = names.map((name) => sum(square(sub(parameters[name], received[name]))));
  return add(mul(sparsity, total(size)), mul(pull, total(distance)));
}

function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((a, b) => add(a, b));
}

/**
 * D^-1/2 (A + I) D^-1/2 with the degrees D of A + I, [nodes, nodes], row-major.
 *
 * T. N. Kipf, M. Welling, "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017.
 *
 * @param adjacency [nodes][nodes]
 * @example
 * ```ts
 * import { normalisedAdjacency } from "@anabranch/core";
 * Array.from(normalisedAdjacency([[0, 3], [3, 0]])); // => [0.25, 0.75, 0.75, 0.25]
 * ```
 */
export function normalisedAdjacency(adjacency: readonly (readonly number[])[]): Float64Array {
  const n = adjacency.length;
  const looped = adjacency.map((row, i) => row.map((value, j) => (i === j ? value + 1 : value)));
  const scale = looped.map((row) => 1 / Math.sqrt(row.reduce((a, b) => a + b, 0)));
  return Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return looped[i]![j]! * scale[i]! * scale[j]!;
  });
}

/**
 * A mask with its entries below `threshold` in size set to 0, as it is used in evaluation.
 *
 * @example
 * ```ts
 * import { prunedMask } from "@anabranch/core";
 * prunedMask(Float64Array.of(0.9, -0.1, 0.4), 0.3); // => [0.9, 0, 0.4]
 * ```
 */
export function prunedMask(mask: Float64Array, threshold: number): Float64Array {
  return mask.map((value) => (Math.abs(value) < threshold ? 0 : value));
}
