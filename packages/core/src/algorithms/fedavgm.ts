/**
 * FedAvgM: FedAvg with heavy-ball momentum on the server, which damps the oscillation that label skew brings.
 *
 * Citation: T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual
 * Classification", 2019, arXiv:1909.06335.
 *
 * Update rule:
 *   D_i as in FedAvg, Dbar their mean
 *   v <- beta * v + Dbar;  x <- x + eta_g * v
 *
 * Symbols: x -> parameters -> [d]; v -> momentum -> [d]; beta -> serverMomentum -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], momentum [d]}; client none.
 * Wire: down d, up d.
 * Differences: the accumulating form without (1 - beta), as in the paper: the effective step is eta_g / (1 - beta).
 */
import { averagedMomentum, momentumOptions } from "./averaged-momentum.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedavgm } from "@anabranch/core";
 * fedavgm.definition.name; // => "fedavgm"
 * ```
 */
export const fedavgm = defineMethod({
  name: "fedavgm",
  options: momentumOptions(0.9),
  symbols: { beta: "serverMomentum" },
  build: (options) => averagedMomentum(options),
});
