/**
 * DP-FedAvgM: DP-FedAvg with heavy-ball momentum on the server, which is post-processing of what was released.
 *
 * Citation: H. B. McMahan, D. Ramage, K. Talwar, L. Zhang, "Learning Differentially Private Recurrent Language Models",
 * ICLR 2018, arXiv:1710.06963; momentum: T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data
 * Distribution for Federated Visual Classification", 2019, arXiv:1909.06335.
 *
 * Update rule:
 *   Dbar = (sum_i D_i min(1, C / |D_i|) + N(0, (z C)^2 I)) / (q M)
 *   v <- beta * v + Dbar;  x <- x + eta_g * v
 *
 * Symbols: x -> parameters -> [d]; v -> momentum -> [d]; beta -> serverMomentum -> []; eta_g -> serverLearningRate -> [];
 *   C -> privacy.clipNorm -> []; z -> privacy.noiseMultiplier -> []; q M -> sampler.cohort -> []
 * State: server {parameters [d], momentum [d]}; client none.
 * Wire: down d, up d.
 * Differences: this is FedAvgM; clip, noise and denominator belong to the run's [privacy], without which it is refused.
 */
import { defineMethod } from "./define-method.ts";
import { fedavgm } from "./fedavgm.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dpFedavgm } from "@anabranch/core";
 * dpFedavgm.definition.name; // => "dp-fedavgm"
 * ```
 */
export const dpFedavgm = defineMethod({
  name: "dp-fedavgm",
  options: fedavgm.definition.options,
  symbols: { beta: "serverMomentum" },
  build: (options) => ({ ...fedavgm.definition.build(options), privacy: {} }),
});
