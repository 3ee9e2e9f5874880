import {
  constant,
  gradients,
  greaterEqual,
  matmul,
  mul,
  relu,
  sum,
  type Tensor,
  transpose,
  where,
} from "@anabranch/engine";

/**
 * Outputs of dense layers without biases, ReLU between them: x [B, in], each weight [out, in].
 *
 * @example
 * ```ts
 * import { biasFreeNetwork } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const weights = [constant([1, -1], [2, 1]), constant([2, 5], [1, 2])];
 * evaluate(biasFreeNetwork(weights, constant([3], [1, 1]))).data; // => [6]
 * ```
 */
export function biasFreeNetwork(weights: readonly Tensor[], x: Tensor): Tensor {
  return weights.reduce((h, weight, layer) => {
    const z = matmul(h, transpose(weight, [1, 0]));
    return layer === weights.length - 1 ? z : relu(z);
  }, x);
}

/**
 * How much each weight carries, without data: |w| dR/d|w| with R the sum of the outputs for inputs of 1 through layers of
 * absolute weights. Its sum is equal in every layer.
 *
 * H. Tanaka, D. Kunin, D. L. K. Yamins, S. Ganguli, "Pruning neural networks without any data by iteratively conserving
 * synaptic flow", NeurIPS 2020.
 *
 * @param magnitudes |w| of each layer, [out, in]
 *
 * @example
 * ```ts
 * import { synapticFlow } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * synapticFlow([constant([1, 2], [1, 2])]).map((flow) => [...evaluate(flow).data]); // => [[1, 2]]
 * ```
 */
export function synapticFlow(magnitudes: readonly Tensor[]): Tensor[] {
  const inputs = magnitudes[0]!.shape[1] as number;
  const ones = constant(new Float64Array(inputs).fill(1), [1, inputs]);
  const flow = magnitudes.reduce((h, weight) => matmul(h, transpose(weight, [1, 0])), ones);
  const found = gradients(sum(flow), Object.fromEntries(magnitudes.map((weight, layer) => [`${layer}`, weight])));
  return magnitudes.map((weight, layer) => mul(weight, found[layer]!));
}

/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/**
 * 1 for the floor(share * d) entries of largest saliency, else 0; of equal ones the first stay.
 *
 * @param saliency of all tensors, one after the other, [d]
 *
 * @example
 * ```ts
 * import { keptEntries } from "@anabranch/core";
 * keptEntries([0.3, 0.9, 0.1, 0.5], 0.5); // => [0, 1, 0, 1]
 * ```
 */
export function keptEntries(saliency: ArrayLike<number>, share: number): Uint8Array {
  const places = Array.from(saliency, (_, j) => j).sort((i, j) => saliency[j]! - saliency[i]! || i - j);
  const kept = new Uint8Array(saliency.length);
  for (const place of places.slice(0, keptCount(places.length, share))) kept[place] = 1;
  return kept;
}

/** floor(share * entries) */
export function keptCount(entries: number, share: number): number {
  return Math.floor(share * entries + SLACK);
}

/**
 * sign(s) with sign(0) = 1.
 *
 * @example
 * ```ts
 * import { signs } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(signs(constant([-2, 0, 0.5]))).data; // => [-1, 1, 1]
 * ```
 */
export function signs(scores: Tensor): Tensor {
  return where(greaterEqual(scores, 0), 1, -1);
}

/**
 * Weights of HideNseek's network: frozen sizes, learned signs, P w0 sign(s). Positive scores are the initial network.
 *
 * A. K. Vallapuram, P. Zhou, Y. D. Kwon, L. H. Lee, H. Xu, P. Hui, "HideNseek: Federated Lottery Ticket via Server-side
 * Pruning and Sign Supermask", 2022, arXiv:2206.04385. A reconstruction: no code was found.
 *
 * @param kept P, 1 for weights that were not pruned, else 0
 *
 * @example
 * ```ts
 * import { signedWeights } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [frozen, kept, scores] = [[0.5, 0.2], [1, 0], [-3, 1]].map((values) => constant(values));
 * evaluate(signedWeights(frozen!, kept!, scores!)).data; // => [-0.5, 0]
 * ```
 */
export function signedWeights(frozen: Tensor, kept: Tensor, scores: Tensor): Tensor {
  return mul(mul(kept, frozen), signs(scores));
}

/**
 * Gradient by the scores, past the sign as if it were the score itself: gradient by the weights times P w0.
 *
 * @example
 * ```ts
 * import { scoreGradient } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [gradient, frozen, kept] = [[2, 3], [0.5, 1], [1, 0]].map((values) => constant(values));
 * evaluate(scoreGradient(gradient!, frozen!, kept!)).data; // => [1, 0]
 * ```
 */
export function scoreGradient(weightGradient: Tensor, frozen: Tensor, kept: Tensor): Tensor {
  return mul(weightGradient, mul(kept, frozen));
}

/**
 * The vote on kept signs, sum_i p_i sign(s_i), in [-1, 1]; 0 where a weight is pruned.
 *
 * @param scores of each client, [clients][d]
 * @param weights p, summing to 1
 *
 * @example
 * ```ts
 * import { signVote } from "@anabranch/core";
 * signVote([[1, -2], [3, 4]], [0.25, 0.75], [1, 1]); // => [1, 0.5]
 * ```
 */
export function signVote(
  scores: readonly ArrayLike<number>[],
  weights: readonly number[],
  kept: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(kept, (one, j) => {
    if (one === 0) return 0;
    return scores.reduce((sum, own, i) => sum + weights[i]! * (own[j]! >= 0 ? 1 : -1), 0);
  });
}

/**
 * Bytes of one sign for every kept weight.
 *
 * @example
 * ```ts
 * import { signBytes } from "@anabranch/core";
 * signBytes([1, 0, 1, 1]); // => 1
 * ```
 */
export function signBytes(kept: ArrayLike<number>): number {
  return Math.ceil(Array.from(kept).reduce((count, one) => count + one, 0) / 8);
}
