/**
 * FedCompass: slow clients do few local steps and fast ones many, so that groups of clients arrive together.
 *
 * Citation: Z. Li, P. Chaturvedi, S. He, H. Chen, G. Singh, V. Kindratenko, E. A. Huerta, K. Kim, R. Madduri, "FedCompass:
 * Efficient Cross-Silo Federated Learning on Heterogeneous Client Devices using a Computing Power Aware Scheduler", ICLR
 * 2024, arXiv:2309.14675.
 *
 * Update rule:
 *   u_i versions after x_i, which client i was given with its number of steps Q_i:
 *   y <- x_i;  Q_i times: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x_i
 *   x <- x + alpha / n * sum_i s(u_i) D_i over a group that has arrived, n clients in the population
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> []; alpha -> serverLearningRate -> [];
 *   Q_i -> schedule.minSteps, schedule.maxSteps -> [clients]; lambda -> schedule.latestFactor -> [];
 *   mu -> schedule.speedMomentum -> []; s -> schedule.staleness -> []; wd -> training.weightDecay -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none from the paper; in its released code s rises with staleness, and a late client's older update is lost.
 */
import * as z from "zod";
import { addedArrivals } from "./added-arrivals.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedcompass } from "@anabranch/core";
 * fedcompass.definition.name; // => "fedcompass"
 * ```
 */
export const fedcompass = defineMethod({
  name: "fedcompass",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(0.9).describe("server step on the added updates (alpha)"),
  }),
  symbols: { alpha: "serverLearningRate" },
  build: ({ serverLearningRate }) => addedArrivals(serverLearningRate, { schedule: "arrival-groups" }),
});
