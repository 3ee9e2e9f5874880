import { AnabranchError } from "@anabranch/engine";
import type { AdaptiveClipping } from "./settings.ts";

/**
 * The clip norm after a round, by a geometric step towards the norm that a share gamma of the updates stays within:
 *
 *   C <- C exp(-eta_C (b - gamma)),  b = 1/2 + (sum_i (b_i - 1/2) + N(0, sigma_b^2)) / (q M),  b_i = [|D_i| <= C]
 *
 * G. Andrew, O. Thakkar, H. B. McMahan, S. Ramaswamy, "Differentially Private Learning with Adaptive Clipping", NeurIPS
 * 2021, arXiv:1905.03871 (Algorithm 1). The count is centred, so a client moves it by 1/2.
 *
 * @param centredShare (sum_i (b_i - 1/2) + noise) / (q M)
 * @example
 * ```ts
 * import { nextClipNorm } from "@anabranch/core";
 * // 90 % of the updates were within the norm, the target is 50 %: the norm shrinks
 * nextClipNorm(1, 0.4, { targetQuantile: 0.5, rate: 0.2, countNoise: 1 }); // => 0.92312
 * ```
 */
export function nextClipNorm(clipNorm: number, centredShare: number, adaptive: AdaptiveClipping): number {
  return clipNorm * Math.exp(-adaptive.rate * (centredShare + 0.5 - adaptive.targetQuantile));
}

/**
 * Noise multiplier of the updates such that they and the count, released together, cost what one release with `total`
 * costs: z_D = (z^-2 - (2 sigma_b)^-2)^(-1/2) (the paper's Theorem 1). Throws `privacy/count-noise` where the count alone
 * would cost more.
 *
 * @example
 * ```ts
 * import { updateNoiseMultiplier } from "@anabranch/core";
 * updateNoiseMultiplier(1, 5); // => 1.005
 * ```
 */
export function updateNoiseMultiplier(total: number, countNoise: number): number {
  if (total === 0) return 0;
  const rest = total ** -2 - (2 * countNoise) ** -2;
  if (rest > 0) return rest ** -0.5;
  throw new AnabranchError({
    code: "privacy/count-noise",
    message: "the count of unclipped clients alone would cost more than a round may",
    received: `noise ${countNoise} on the count, noise multiplier ${total}`,
    expected: `noise on the count above ${total / 2}`,
    advice: "Raise privacy.countNoise; a twentieth of the cohort is usual.",
  });
}
