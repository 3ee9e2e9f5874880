/**
 * LG-FedAvg: clients keep their own representation, the first layers of the model, and share the head that reads it.
 *
 * Citation: P. P. Liang, T. Liu, L. Ziyin, N. B. Allen, R. P. Auerbach, D. Brent, R. Salakhutdinov, L.-P. Morency, "Think
 * Locally, Act Globally: Federated Learning with Local and Global Representations", 2020, arXiv:2001.01523.
 *
 * Update rule:
 *   K times: (y, theta_i) <- (y, theta_i) - eta * g_i(theta_i, y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> shared parameters -> [d]; theta_i -> parameters.personal -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters}.
 * Wire: down d, up d; d counts the shared parameters alone.
 * Differences: the paper starts from some rounds of FedAvg; give their model as model.initialWeights for that.
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
 * import { lgFedavg } from "@anabranch/core";
 * lgFedavg.definition.name; // => "lg-fedavg"
 * ```
 */
export const lgFedavg = defineMethod({
  name: "lg-fedavg",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      personal: { layers: ["*", "!head"] },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
