/**
 * FedAvg: several local SGD steps between averages of the model.
 *
 * Citation: H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", AISTATS 2017, arXiv:1602.05629.
 *
 * Update rule:
 *   y <- x;  K times: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i,  w_i = n_i / sum_j n_j over the cohort
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> []; eta_g -> serverLearningRate -> [];
 *   w_i -> aggregation.weighting -> [cohort]; wd -> training.weightDecay -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none from the paper at serverLearningRate 1.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedavg } from "@anabranch/core";
 * fedavg({ serverLearningRate: 0.5 }).options; // => { serverLearningRate: 0.5 }
 * ```
 */
export const fedavg = defineMethod({
  name: "fedavg",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
