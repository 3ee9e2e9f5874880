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
import type { Algorithm } from "./algorithm.ts";
import { fedavg } from "./fedavg.ts";
import { localSgd } from "./local-sgd.ts";
import { perturbed } from "./sharpness.ts";

export const fedsamOptions = z.strictObject({
  perturbationRadius: z.number().min(0).default(0.05).describe("length of the perturbation (rho)"),
  adaptive: z
    .boolean()
    .default(false)
    .describe("scale the perturbation by the parameters (ASAM); wants a rho about ten times larger"),
  serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
});

export function fedsam(options: z.input<typeof fedsamOptions> = {}): Algorithm {
  const settings = fedsamOptions.parse(options);
  const { perturbationRadius: rho, adaptive, serverLearningRate } = settings;
  return {
    ...fedavg({ serverLearningRate }),
    name: "fedsam",
    options: settings,
    client: localSgd({
      direction: (g, y, local) => (rho === 0 ? g : local.gradient(perturbed(y, g, rho, adaptive)).gradients),
    }),
  };
}
