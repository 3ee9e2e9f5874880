/**
 * DP-FedAvg: FedAvg whose clipped updates are summed with Gaussian noise, private for whole clients.
 *
 * Citation: H. B. McMahan, D. Ramage, K. Talwar, L. Zhang, "Learning Differentially Private Recurrent Language Models",
 * ICLR 2018, arXiv:1710.06963.
 *
 * Update rule:
 *   D_i as in FedAvg;  D_i <- D_i min(1, C / |D_i|)
 *   x <- x + eta_g * (sum_i D_i + N(0, (z C)^2 I)) / (q M)
 *
 * Symbols: x -> parameters -> [d]; eta_g -> serverLearningRate -> []; C -> privacy.clipNorm -> []; z ->
 *   privacy.noiseMultiplier -> []; q M -> sampler.cohort -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: this is FedAvg; clip, noise and denominator belong to the run's [privacy], without which the method is
 *   refused. All clients weigh 1 (the paper also has capped weights), and a round without clients is noised too.
 */
import { defineMethod } from "./define-method.ts";
import { fedavg } from "./fedavg.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dpFedavg } from "@anabranch/core";
 * dpFedavg.definition.name; // => "dp-fedavg"
 * ```
 */
export const dpFedavg = defineMethod({
  name: "dp-fedavg",
  options: fedavg.definition.options,
  build: (options) => ({ ...fedavg.definition.build(options), privacy: {} }),
});
