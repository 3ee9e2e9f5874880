/**
 * MoFedSAM: sharpness-aware local steps mixed with the last global direction.
 *
 * Citation: Z. Qu, X. Li, R. Duan, Y. Liu, B. Tang, Z. Lu, "Generalized Federated Learning via Sharpness Aware
 * Minimization", ICML 2022, arXiv:2206.02618.
 *
 * Update rule:
 *   K times: u = alpha * g_i(y + rho * g_i(y) / |g_i(y)|) + (1 - alpha) * c;  y <- y - eta * (u + wd * y)
 *   c <- -Dbar / (K eta);  x <- x + eta_g * Dbar
 *
 * Symbols: x -> parameters -> [d]; c -> direction -> [d]; alpha -> gradientShare -> []; rho -> perturbationRadius -> [];
 *   eta_g -> serverLearningRate -> []; K -> mean local steps of the round, weighted as the updates
 *   -> []
 * State: server {parameters [d], direction [d]}; client none.
 * Wire: down 2d, up d; two gradients a step.
 * Differences: none; the perturbation follows the raw local gradient, not the mixture. Local momentum is refused, as in
 *   FedCM.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { clientMomentum } from "./fedcm.ts";
import { sharpnessAware } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { mofedsam } from "@anabranch/core";
 * mofedsam.definition.name; // => "mofedsam"
 * ```
 */
export const mofedsam = defineMethod({
  name: "mofedsam",
  options: z.strictObject({
    gradientShare: z.number().gt(0).max(1).default(0.1).describe("share of the local gradient in a step (alpha)"),
    perturbationRadius: z.number().min(0).default(0.05).describe("length of the perturbation (rho)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { alpha: "gradientShare", rho: "perturbationRadius" },
  build: ({ gradientShare, perturbationRadius, serverLearningRate }) =>
    clientMomentum(gradientShare, serverLearningRate, sharpnessAware(perturbationRadius)),
});
