/**
 * FedSAM: clients take sharpness-aware steps, which find flatter minima that generalise better.
 *
 * Citation: Z. Qu, X. Li, R. Duan, Y. Liu, B. Tang, Z. Lu, "Generalized Federated Learning via Sharpness Aware
 * Minimization", ICML 2022, arXiv:2206.02618; adaptive form: D. Caldarola, B. Caputo, M. Ciccone, "Improving Generalization
 * in Federated Learning by Seeking Flat Minima", ECCV 2022, arXiv:2203.11834.
 *
 * Update rule:
 *   K times, on one batch: g1 = g_i(y);  e = rho * g1 / |g1|;  g2 = g_i(y + e);  y <- y - eta * (g2 + wd * y)
 *   x <- x + eta_g * sum_i w_i (y - x)
 *
 * Symbols: x -> parameters -> [d]; rho -> perturbationRadius -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d; two gradients a step.
 * Differences: weight decay and clip apply as configured (released baselines drop them for this method alone).
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";
import { sharpnessAware } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedsam } from "@anabranch/core";
 * fedsam.definition.name; // => "fedsam"
 * ```
 */
export const fedsam = defineMethod({
  name: "fedsam",
  options: z.strictObject({
    perturbationRadius: z.number().min(0).default(0.05).describe("length of the perturbation (rho)"),
    adaptive: z
      .boolean()
      .default(false)
      .describe("scale the perturbation by the parameters (ASAM); wants a rho about ten times larger"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { rho: "perturbationRadius" },
  build: ({ perturbationRadius: rho, adaptive, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd({ direction: sharpnessAware(rho, adaptive) }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
