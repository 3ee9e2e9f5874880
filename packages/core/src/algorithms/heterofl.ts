/**
 * HeteroFL: clients of weaker devices train a narrower model, the leading units of every hidden layer, and each parameter is
 * averaged over the clients that have it.
 *
 * Citation: E. Diao, J. Ding, V. Tarokh, "HeteroFL: Computation and Communication Efficient Federated Learning for
 * Heterogeneous Clients", ICLR 2021, arXiv:2010.01264 (Algorithm 1).
 *
 * Update rule:
 *   tier of client i: r_i = widths[i mod their number];  P_i: entries of the ceil(r_i n) leading units of every hidden layer
 *   y <- x[P_i];  K times: y <- y - eta * (g_i(y) + wd * y) of the narrow model;  D_i = y - x[P_i]
 *   x_j <- x_j + eta_g * sum_i w_i D_ij / sum_i w_i, sums over the clients whose P_i has j; others stay
 *
 * Symbols: x -> parameters -> [d]; r_i -> widths -> []; eta_g -> serverLearningRate -> [];
 *   w_i -> aggregation.weighting -> [cohort]
 * State: server {parameters [d]}; client none.
 * Wire: down |P_i|, up |P_i|: about r_i^2 d of a wide network. Nothing else travels, as places follow from the tier.
 * Differences: tiers are dealt by client number and stay; clients weigh by aggregation.weighting, where the paper counts
 *   them. Its scaling of units by 1/r, static batch normalisation and masked cross-entropy are left out: models are chains
 *   of dense and convolution layers without normalisation or dropout. Clients run programs of their own size, so FLOPs are
 *   those of the narrow models.
 */
import { narrowMethod } from "./narrow-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { heterofl } from "@anabranch/core";
 * heterofl({ widths: [1, 0.5] }).widths; // => { ratios: [1, 0.5], rolls: false }
 * ```
 */
export const heterofl = narrowMethod("heterofl", false);
