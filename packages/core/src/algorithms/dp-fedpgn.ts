/**
 * DP-FedPGN: clients penalise the norm of the global gradient, and only what is new in their updates is clipped.
 *
 * Citation: J. Liu, Y. Tian, F. Shang, Y. Liu, H. Liu, J. Zhou, D. Ding, "DP-FedPGN: Finding Global Flat Minima for
 * Differentially Private Federated Learning via Penalizing Gradient Norm", 2025, arXiv:2510.27504; smoothing: S. Osher et
 * al., "Laplacian Smoothing Gradient Descent", 2018, arXiv:1806.06317.
 *
 * Update rule:
 *   s = rho * c / |c|;  K times: y <- y - eta * (gamma * g_i(y + s) + (1 - gamma) * c + wd * y)
 *   r_i = (x - y) - b,  b = (1 - gamma) * K * eta * c
 *   Dbar = (sum_i r_i min(1, C / |r_i|) + N(0, (z C)^2 I)) / (q M) + b
 *   Dbar <- (I - s_LS Lap)^-1 Dbar;  c <- Dbar / (K eta);  x <- x - Dbar
 *
 * Symbols: x -> parameters -> [d]; c -> direction (gradient-signed, public) -> [d]; r_i -> -residual -> [d]; gamma ->
 *   gradientShare -> []; rho -> perturbationRadius -> []; s_LS -> smoothing -> []; C -> privacy.clipNorm -> []; z ->
 *   privacy.noiseMultiplier -> []; q M -> sampler.cohort -> []; K -> training.localSteps -> []
 * State: server {parameters [d], direction [d]}; client none.
 * Wire: down 2d, up d.
 * Differences: (1 - gamma) grad F(w) + gamma grad F(w + rho v) is the gradient of the penalised loss, so s ascends along c.
 *   The function that the released code registers has no s (perturbation = "none"); another one, unused, descends
 *   ("descent"). There every client clips every tensor at the median of its own tensors' norms, which depends on its data
 *   and multiplies the sensitivity; here one public C bounds the whole residual. K must be public, or b tells of the data.
 */
import { add, mul } from "@anabranch/engine";
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { mixed, withoutMomentum } from "./fedcm.ts";
import { smoothed } from "./laplacian-smoothing.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";
import { perturbed } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dpFedpgn } from "@anabranch/core";
 * dpFedpgn.definition.name; // => "dp-fedpgn"
 * ```
 */
export const dpFedpgn = defineMethod({
  name: "dp-fedpgn",
  options: z.strictObject({
    gradientShare: z.number().gt(0).max(1).default(0.2).describe("share of the local gradient in a step (gamma)"),
    perturbationRadius: z.number().min(0).default(0.1).describe("how far along c gradients are taken (rho)"),
    perturbation: z
      .enum(["ascent", "none", "descent"])
      .default("ascent")
      .describe(
        'along c as derived ("ascent"), not at all as in the released path ("none"), or against it ("descent")',
      ),
    smoothing: z.number().min(0).default(0).describe("Laplacian smoothing of what is released (LS); 0: off"),
  }),
  symbols: { gamma: "gradientShare", rho: "perturbationRadius" },
  build({ gradientShare: gamma, perturbationRadius, perturbation, smoothing }) {
    const rho = { ascent: perturbationRadius, none: 0, descent: -perturbationRadius }[perturbation];
    return vectors({
      server: { parameters: MODEL, direction: MODEL },
      upload: { residual: uniformMean(MODEL) },
    }).method({
      countsSteps: true,
      privacy: {},
      local: withoutMomentum(
        localSgd({
          at: (y, { broadcast }) => (rho === 0 ? y : perturbed(y, broadcast.direction, rho)),
          direction: (g, _y, { broadcast }) => mixed(g, broadcast.direction, gamma),
          result(y, local) {
            const known = combine((c) => mul(c, mul(local.learningRateSum, 1 - gamma)), local.broadcast.direction);
            return { update: { residual: combine(add, modelDelta(y, local), known) }, state: {} };
          },
        }),
      ),
      update({ parameters, direction }, { residual }, { learningRate, localSteps }) {
        const kEta = localSteps * learningRate;
        const moved = combineVectors((r, c) => r - (1 - gamma) * kEta * c, residual, direction);
        const delta = smoothing === 0 ? moved : smoothed(moved, smoothing);
        return {
          parameters: combineVectors((x, d) => x + d, parameters, delta),
          direction: combineVectors((d) => -d / kEta, delta, delta),
        };
      },
    });
  },
});
