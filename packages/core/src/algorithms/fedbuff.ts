/**
 * FedBuff: clients train without waiting for each other, and every K updates are one step of the server.
 *
 * Citation: J. Nguyen, K. Malik, H. Zhan, A. Yousefpour, M. Rabbat, M. Malek, D. Huba, "Federated Learning with Buffered
 * Asynchronous Aggregation", AISTATS 2022, arXiv:2106.06639.
 *
 * Update rule:
 *   u_i versions after x_i, which client i was given:
 *   y <- x_i;  local steps: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x_i
 *   v <- beta * v + sum_i w_i s(u_i) D_i over K updates;  x <- x + eta_g * v
 *
 * Symbols: x -> parameters -> [d]; v -> momentum -> [d]; eta -> training.learningRate -> []; beta -> serverMomentum -> [];
 *   eta_g -> serverLearningRate -> []; K -> schedule.buffer -> []; s -> schedule.staleness -> [];
 *   w_i -> aggregation.weighting -> [K]; wd -> training.weightDecay -> []
 * State: server {parameters [d], momentum [d]}; client none.
 * Wire: down d, up d.
 * Differences: w_i = n_i / sum_j n_j unless aggregation.weighting is "uniform", which is the paper's 1 / K. The released
 *   code divides neither by K nor by weights; here the factor s is not part of what a mean divides by.
 */
import { averagedMomentum, momentumOptions } from "./averaged-momentum.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedbuff } from "@anabranch/core";
 * fedbuff.definition.name; // => "fedbuff"
 * ```
 */
export const fedbuff = defineMethod({
  name: "fedbuff",
  options: momentumOptions(0),
  symbols: { beta: "serverMomentum" },
  build: (options) => averagedMomentum(options, { buffer: 10 }),
});
