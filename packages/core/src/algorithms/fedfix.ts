/**
 * FedFix: clients train without waiting for each other, and at fixed times the server adds what has arrived.
 *
 * Citation: Y. Fraboni, R. Vidal, L. Kameni, M. Lorenzi, "A General Theory for Federated Optimization with Asynchronous and
 * Heterogeneous Clients Updates", JMLR 2023, arXiv:2206.10189.
 *
 * Update rule:
 *   at every tick, over clients i that have arrived since the last one, x_i being the model that client i was given:
 *   y <- x_i;  local steps: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x_i
 *   x <- x + eta_g * sum_i d_i D_i,  d_i = p_i ceil(tau_i / period), or p_i
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> []; eta_g -> serverLearningRate -> [];
 *   period -> schedule.period -> []; tau_i -> devices -> [clients]; d_i -> schedule.weighting -> [clients];
 *   p_i -> aggregation.weighting -> [clients]; wd -> training.weightDecay -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none. "unbiased" weights reach the optimum of the whole federation; with "identical" ones (d_i = p_i) slow
 *   clients count less. In rounds of a cohort d_i = 1 / clients.
 */
import * as z from "zod";
import { addedArrivals } from "./added-arrivals.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedfix } from "@anabranch/core";
 * fedfix.definition.name; // => "fedfix"
 * ```
 */
export const fedfix = defineMethod({
  name: "fedfix",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the added updates"),
  }),
  build: ({ serverLearningRate }) => addedArrivals(serverLearningRate, { schedule: "ticks" }),
});
