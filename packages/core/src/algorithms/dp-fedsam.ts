/**
 * DP-FedSAM: DP-FedAvg with sharpness-aware local steps, whose smaller and more alike updates lose less to the clip.
 *
 * Citation: Y. Shi, Y. Liu, K. Wei, L. Shen, X. Wang, D. Tao, "Make Landscape Flatter in Differentially Private Federated
 * Learning", CVPR 2023, arXiv:2303.11242.
 *
 * Update rule:
 *   K times, on one batch: g1 = g_i(y);  e = rho * g1 / |g1|;  g2 = g_i(y + e);  y <- y - eta * (g2 + wd * y)
 *   x <- x + eta_g * (sum_i (y - x) min(1, C / |y - x|) + N(0, (z C)^2 I)) / (q M)
 *
 * Symbols: x -> parameters -> [d]; rho -> perturbationRadius -> []; eta_g -> serverLearningRate -> []; C ->
 *   privacy.clipNorm -> []; z -> privacy.noiseMultiplier -> []; q M -> sampler.cohort -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d; two gradients a step.
 * Differences: one clip over all parameters with uniform weights, as in the paper. The released code clips and noises
 *   each of L tensors at the full C, so its noise multiplier is in truth z / sqrt(L), and it weighs by examples; its
 *   adaptive perturbation is `adaptive` here.
 */
import { defineMethod } from "./define-method.ts";
import { fedsam } from "./fedsam.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dpFedsam } from "@anabranch/core";
 * dpFedsam.definition.name; // => "dp-fedsam"
 * ```
 */
export const dpFedsam = defineMethod({
  name: "dp-fedsam",
  options: fedsam.definition.options,
  symbols: { rho: "perturbationRadius" },
  build: (options) => ({ ...fedsam.definition.build(options), privacy: {} }),
});
