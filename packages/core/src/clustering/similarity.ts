import type { Vector } from "../params/vector.ts";
import { cosineDistances } from "./distances.ts";

/**
 * Rows of similarities for mixing models, each summing to 1: A_ij = exp(tau cos(e_i, e_j)) over the sum of its row, with
 * functional embeddings e. Temperature 0 averages everybody; an infinite one leaves every model alone.
 *
 * J. Baek, W. Jeong, J. Jin, J. Yoon, S. J. Hwang, "Personalized Subgraph Federated Learning", ICML 2023,
 * arXiv:2206.10206, equations 3 and 4.
 *
 * @param embeddings one for each client, equally long
 * @example
 * ```ts
 * import { functionalSimilarity } from "@anabranch/core";
 * functionalSimilarity([Float64Array.of(1), Float64Array.of(2)], 10); // => [[0.5, 0.5], [0.5, 0.5]]
 * ```
 */
export function functionalSimilarity(embeddings: readonly Vector[], temperature: number): number[][] {
  const { count, values } = cosineDistances(embeddings);
  return embeddings.map((_, i) => {
    const row = embeddings.map((_other, j) => values[i * count + j]!);
    return softWeights(row, temperature, i);
  });
}

/**
 * Rows of weights for fusing knowledge, each summing to 1: a_ij = exp(-beta D_ij) over the sum of its row. Sharpness 0
 * averages everybody; an infinite one leaves every client alone.
 *
 * S. J. Seyedmohammadi et al., "KnFu: Effective Knowledge Fusion", 2024, arXiv:2403.11892.
 *
 * @param divergence D, [n, n], with a diagonal of 0
 *
 * @example
 * ```ts
 * import { fusionWeights } from "@anabranch/core";
 * fusionWeights([[0, 1], [1, 0]], Number.POSITIVE_INFINITY); // => [[1, 0], [0, 1]]
 * ```
 */
export function fusionWeights(divergence: readonly (readonly number[])[], sharpness: number): number[][] {
  return divergence.map((row, i) => softWeights(row, sharpness, i));
}

/** exp(-sharpness * distance) over its sum; the shift by the least distance keeps large exponents finite. Distances may be infinite. */
function softWeights(distances: readonly number[], sharpness: number, self: number): number[] {
  if (sharpness === Number.POSITIVE_INFINITY) return distances.map((_, j) => (j === self ? 1 : 0));
  if (sharpness === 0) return distances.map(() => 1 / distances.length);
  const least = Math.min(...distances);
  const weights = distances.map((distance) => Math.exp(-sharpness * (distance - least)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}
