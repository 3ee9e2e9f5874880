import { abs, add, matmul, mul, relu, square, sub, sum, type Tensor, transpose } from "@anabranch/engine";

/** Weights of a network of two graph convolutions and a classifier: matrices [out, in], biases [out]. */
export type GraphParameters = Readonly<Record<"W1" | "b1" | "W2" | "b2" | "Wc" | "bc", Tensor>>;
/** Private factors of the weights, of their shapes; biases have none. */
export type WeightMasks = Readonly<Record<"W1" | "W2" | "Wc", Tensor>>;

/** What a graph gives its nodes. */
export interface GraphOutputs {
  /** [nodes, classes] */
  readonly logits: Tensor;
  /** After the second convolution, [nodes, width]. */
  readonly hidden: Tensor;
}

/**
 * FED-PUB's network: weights times private masks, H1 = relu(A X (W1 m1)^T + b1), H2 likewise, logits = H2 (Wc mc)^T + bc.
 *
 * J. Baek, W. Jeong, J. Jin, J. Yoon, S. J. Hwang, "Personalized Subgraph Federated Learning", ICML 2023, arXiv:2206.10206.
 *
 * @param propagation [nodes, nodes], see `normalisedAdjacency`
 * @param x [nodes, features]
 */
export function maskedGraphNetwork(
  parameters: GraphParameters,
  masks: WeightMasks,
  propagation: Tensor,
  x: Tensor,
): GraphOutputs {
  const masked = (name: keyof WeightMasks) => transpose(mul(parameters[name], masks[name]), [1, 0]);
  const convolved = (h: Tensor, weight: Tensor, bias: Tensor) =>
    relu(add(matmul(matmul(propagation, h), weight), bias));
  const first = convolved(x, masked("W1"), parameters.b1);
  const hidden = convolved(first, masked("W2"), parameters.b2);
  return { hidden, logits: add(matmul(hidden, masked("Wc")), parameters.bc) };
}

/**
 * FED-PUB's two regularisers: lambda1 sum |m| keeps masks sparse, lambda2 |w - received|^2 keeps weights and biases near
 * the model that the server sent. Both have gradients; in the released code they have none.
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
