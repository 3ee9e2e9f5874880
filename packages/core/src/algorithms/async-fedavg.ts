/**
 * Asynchronous FedAvg: every update that arrives is a step of the server, with a weight that makes up for how often its
 * client arrives.
 *
 * Citation: Y. Fraboni, R. Vidal, L. Kameni, M. Lorenzi, "A General Theory for Federated Optimization with Asynchronous and
 * Heterogeneous Clients Updates", JMLR 2023, arXiv:2206.10189.
 *
 * Update rule:
 *   client i arrives, x_i being the model that it was given:
 *   y <- x_i;  local steps: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x_i
 *   x <- x + eta_g * d_i D_i,  d_i = p_i tau_i sum_j 1 / tau_j, or 1
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> []; eta_g -> serverLearningRate -> [];
 *   tau_i -> devices -> [clients]; d_i -> schedule.weighting -> [clients]; p_i -> aggregation.weighting -> [clients];
 *   wd -> training.weightDecay -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none. "identical" weights (d_i = 1) have the optimum of clients weighed by 1 / tau_i. In rounds of a cohort
 *   d_i = 1 / clients.
 */
import * as z from "zod";
import { addedArrivals } from "./added-arrivals.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { asyncFedavg } from "@anabranch/core";
 * asyncFedavg.definition.name; // => "async-fedavg"
 * ```
 */
export const asyncFedavg = defineMethod({
  name: "async-fedavg",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on each update"),
  }),
  build: ({ serverLearningRate }) => addedArrivals(serverLearningRate, { schedule: "buffered", buffer: 1 }),
});
