/**
 * FedPipe: which weights deserve adapters, from how sensitive the loss is to the entries of trial adapters P Lambda Q.
 *
 * Citation: Z. Fang et al., "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models",
 * 2024, arXiv:2404.06448, section 4; the scores are those of Q. Zhang et al., "AdaLoRA: Adaptive Budget Allocation for
 * Parameter-Efficient Fine-Tuning", ICLR 2023, arXiv:2303.10512, eqs. 8 to 11.
 */
import { shapeError } from "./matrix.ts";

/** Smoothed sensitivities of weights [d], and how much they vary. */
export interface Sensitivity {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/**
 * Nothing observed yet, of so many weights.
 *
 * @example
 * ```ts
 * import { noSensitivity } from "@anabranch/core";
 * noSensitivity(2).mean; // => [0, 0]
 * ```
 */
export const noSensitivity = (size: number): Sensitivity => ({
  mean: new Float64Array(size),
  deviation: new Float64Array(size),
});

/**
 * One more step: I <- b1 I + (1 - b1) c with c = |w g|, then U <- b2 U + (1 - b2) |c - I|.
 *
 * @example
 * ```ts
 * import { noSensitivity, observeSensitivity } from "@anabranch/core";
 * const seen = observeSensitivity(noSensitivity(1), [2], [-3], { beta1: 0.5, beta2: 0.5 });
 * [...seen.mean, ...seen.deviation]; // => [3, 1.5]
 * ```
 */
export function observeSensitivity(
  { mean, deviation }: Sensitivity,
  weights: ArrayLike<number>,
  gradients: ArrayLike<number>,
  { beta1, beta2 }: { readonly beta1: number; readonly beta2: number },
): Sensitivity {
  if (weights.length !== mean.length || gradients.length !== mean.length)
    throw shapeError(
      "weights and gradients do not fit",
      `${weights.length} weights, ${gradients.length} gradients`,
      `${mean.length} of both`,
    );
  const now = mean.map((value, i) => beta1 * value + (1 - beta1) * Math.abs(weights[i]! * gradients[i]!));
  const spread = deviation.map(
    (value, i) => beta2 * value + (1 - beta2) * Math.abs(Math.abs(weights[i]! * gradients[i]!) - now[i]!),
  );
  return { mean: now, deviation: spread };
}

/**
 * Scores I U of every entry.
 *
 * @example
 * ```ts
 * import { sensitivityScores } from "@anabranch/core";
 * const seen = { mean: Float64Array.of(2), deviation: Float64Array.of(3) };
 * sensitivityScores(seen); // => [6]
 * ```
 */
export function sensitivityScores({ mean, deviation }: Sensitivity): Float64Array {
  return mean.map((value, i) => value * deviation[i]!);
}

/**
 * Scores of the r triplets of P [o, r], Lambda [r] and Q [r, i], which lie after each other in `scores`: that of lambda_j
 * plus the means over column j of P and row j of Q.
 *
 * @example
 * ```ts
 * import { tripletScores } from "@anabranch/core";
 * tripletScores([1, 3, 5, 2, 4], { outputs: 2, inputs: 2, rank: 1 }); // => [10]
 * ```
 */
export function tripletScores(
  scores: ArrayLike<number>,
  { outputs, inputs, rank }: { readonly outputs: number; readonly inputs: number; readonly rank: number },
): number[] {
  const size = outputs * rank + rank + rank * inputs;
  if (scores.length !== size) throw shapeError("scores do not fit the triplets", `${scores.length}`, `${size}`);
  return Array.from({ length: rank }, (_, j) => {
    let [left, right] = [0, 0];
    for (let k = 0; k < outputs; k++) left += scores[k * rank + j]!;
    const row = outputs * rank + rank + j * inputs;
    for (let k = 0; k < inputs; k++) right += scores[row + k]!;
    return scores[outputs * rank + j]! + left / outputs + right / inputs;
  });
}

/**
 * Score of a weight: the sum of its highest triplets.
 *
 * @example
 * ```ts
 * import { matrixScore } from "@anabranch/core";
 * matrixScore([0.1, 3, 2], 2); // => 5
 * ```
 */
export function matrixScore(triplets: readonly number[], top: number): number {
  return triplets
    .toSorted((a, b) => b - a)
    .slice(0, top)
    .reduce((sum, score) => sum + score, 0);
}

/**
 * FedPipe's first stage: the weights of the highest scores, as many as are asked for and in their order. Of equal scores the
 * earlier weight.
 *
 * @example
 * ```ts
 * import { highestScores } from "@anabranch/core";
 * highestScores([2, 5, 1, 5], 2); // => [1, 3]
 * ```
 */
export function highestScores(scores: readonly number[], count: number): number[] {
  return scores
    .map((score, i) => ({ score, i }))
    .toSorted((x, y) => y.score - x.score || x.i - y.i)
    .slice(0, count)
    .map(({ i }) => i)
    .toSorted((x, y) => x - y);
}
