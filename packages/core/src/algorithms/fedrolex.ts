/**
 * FedRolex: clients of weaker devices train a window of the units of every hidden layer, which moves on by one unit in every
 * round, so that all of the model is trained although no weak client ever has it.
 *
 * Citation: S. Alam, L. Liu, M. Yan, M. Zhang, "FedRolex: Model-Heterogeneous Federated Learning with Rolling Sub-Model
 * Extraction", NeurIPS 2022, arXiv:2212.01548 (Algorithm 1).
 *
 * Update rule:
 *   tier of client i: r_i = widths[i mod their number];  round t = 0, 1, ...: of a hidden layer of n units P_i has the
 *     ceil(r_i n) units from t mod n on, around the end
 *   y <- x[P_i];  K times: y <- y - eta * (g_i(y) + wd * y) of the narrow model;  D_i = y - x[P_i]
 *   x_j <- x_j + eta_g * sum_i w_i D_ij / sum_i w_i, sums over the clients whose P_i has j; others stay
 *
 * Symbols: x -> parameters -> [d]; r_i -> widths -> []; eta_g -> serverLearningRate -> [];
 *   w_i -> aggregation.weighting -> [cohort]
 * State: server {parameters [d]}; client none.
 * Wire: down |P_i|, up |P_i|: about r_i^2 d of a wide network.
 * Differences: as those of HeteroFL (heterofl.ts), which it is but for the windows. Clients of width 1 have all units in
 *   their order.
 */
import { narrowMethod } from "./narrow-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedrolex } from "@anabranch/core";
 * fedrolex({ widths: [0.5] }).widths; // => { ratios: [0.5], rolls: true }
 * ```
 */
export const fedrolex = narrowMethod("fedrolex", true);
