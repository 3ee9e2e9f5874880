/**
 * FedRep: each client first fits its own head to the shared representation, and then improves the representation under that head.
 *
 * Citation: L. Collins, H. Hassani, A. Mokhtari, S. Shakkottai, "Exploiting Shared Representations for Personalized Federated
 * Learning", ICML 2021, arXiv:2102.07078 (Algorithm 1).
 *
 * Update rule:
 *   tau_h passes: phi_i <- phi_i - eta * g_i(phi_i) at the received x
 *   K times: y <- y - eta * g_i(y) at that phi_i;  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> shared parameters -> [d]; phi_i -> parameters.personal -> []; tau_h -> headEpochs -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters}.
 * Wire: down d, up d; d counts the shared parameters alone.
 * Differences: none for neural networks. The orthonormal step of the paper's linear theory is left out.
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
 * import { fedrep } from "@anabranch/core";
 * fedrep.definition.name; // => "fedrep"
 * ```
 */
export const fedrep = defineMethod({
  name: "fedrep",
  options: z.strictObject({
    headEpochs: z.int().positive().default(5).describe("passes over a client's examples that train the head alone"),
    headSteps: z.int().min(0).optional().describe("local steps that train the head alone; replaces headEpochs"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { tau_h: "headEpochs" },
  build: ({ headEpochs, headSteps, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      personal: {
        layers: ["head"],
        train: headSteps === undefined ? { localEpochs: headEpochs } : { localSteps: headSteps },
      },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
