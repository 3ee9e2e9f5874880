/**
 * FedPer: clients share the first layers of the model and keep the last ones, which they train together with the shared ones.
 *
 * Citation: M. G. Arivazhagan, V. Aggarwal, A. K. Singh, S. Choudhary, "Federated Learning with Personalization Layers", 2019,
 * arXiv:1912.00818.
 *
 * Update rule:
 *   K times: (y, phi_i) <- (y, phi_i) - eta * g_i(y, phi_i);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> shared parameters -> [d]; phi_i -> parameters.personal -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters}.
 * Wire: down d, up d; d counts the shared parameters alone.
 * Differences: none; the paper's K_P last layers are parameters.personal, by default the head.
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
 * import { fedper } from "@anabranch/core";
 * fedper.definition.name; // => "fedper"
 * ```
 */
export const fedper = defineMethod({
  name: "fedper",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      personal: { layers: ["head"] },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
