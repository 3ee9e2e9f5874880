/**
 * FedBN: clients keep their normalization layers, which adapt to the domain of their own examples, and share all others.
 *
 * Citation: X. Li, M. Jiang, X. Zhang, M. Kamp, Q. Dou, "FedBN: Federated Learning on Non-IID Features via Local Batch
 * Normalization", ICLR 2021, arXiv:2102.07623.
 *
 * Update rule:
 *   K times: (y, gamma_i) <- (y, gamma_i) - eta * g_i(y, gamma_i);  s_i <- 0.9 s_i + 0.1 * moments of the batch;  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> shared parameters -> [d]; gamma_i -> scales and shifts of normalizations -> [];
 *   s_i -> running statistics of batch normalizations -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters}.
 * Wire: down d, up d; d counts the shared parameters alone.
 * Differences: layers are chosen by their role, not by their name. Other normalizations than those of batches are kept as
 *   well: their scales and shifts, as they have no running statistics. A model without such layers is trained by FedAvg.
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
 * import { fedbn } from "@anabranch/core";
 * fedbn.definition.name; // => "fedbn"
 * ```
 */
export const fedbn = defineMethod({
  name: "fedbn",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      personal: { layers: ["normalization", "statistics"], ifPresent: true },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
