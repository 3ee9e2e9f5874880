/**
 * FedPAC: clients start from the mean preconditioner of their optimizer (alignment) and mix the last global update into
 * each preconditioned step (correction), so that they average steps taken in one metric.
 *
 * Citation: J. Liu, F. Shang, H. Liu, J. Liu, W. An, Y. Liu, "Taming Preconditioner Drift: Unlocking the Potential of
 * Second-Order Optimizers for Federated Learning on Non-IID Data", 2026, arXiv:2602.19271.
 *
 * Update rule:
 *   Theta_i <- Theta, the rest of the optimizer's state <- 0
 *   K times: u = P_Theta_i(g_i(y)), which updates Theta_i;  y <- y - eta * ((1 - beta) * u + beta * G)
 *   D_i = y - x
 *   x <- x + Dbar;  Theta <- mean_i Theta_i;  G <- -Dbar / (K eta)
 *
 * Symbols: x -> parameters -> [d]; Theta -> preconditioner -> [|Theta|]; G -> direction (gradient-signed) -> [d];
 *   beta -> directionShare -> []; P -> optimizer -> []
 * State: server {parameters [d], preconditioner [|Theta|], direction [d], steps [1]}; client none.
 * Wire: down 2d + |Theta| + 1, up d + |Theta|; with `light` = rho about d + rho * |Theta| (muon: q (m + n + 1) for each
 *   matrix [m, n]; soap, shampoo: q (m + 1) + 1 for each factor [m, m], q = ceil(rho * m)), or d + B, and B instead of
 *   |Theta| down (adamw, sophia). Less goes down with alignment = false (no Theta) or beta = 0 (no G).
 * Differences: follows the equations: beta is an option of its own (the released scripts take it from another flag), and
 *   weight decay lies inside the (1 - beta)-scaled step. Theta: adamw v; muon the momenta of the matrices; sophia the
 *   diagonal Hessian, which is really refreshed (the released FedPAC_Sophia never does); soap the Gram matrices; shampoo
 *   the factors. sgd has none, and the method is then FedCM with gradient share 1 - beta, but for the weight decay, which
 *   FedCM does not scale. The light upload is our own design, as the paper's is not released: muon sends a truncated SVD by
 *   the rank rule of FedMuon, soap and shampoo the leading eigenpairs of each factor and the mean of its other eigenvalues
 *   (which keeps it positive semi-definite and its trace), adamw and sophia the block means of FedAdamW. The server averages
 *   what it has rebuilt; that of muon, soap and shampoo goes down whole. The drift that is logged is that of the rebuilt
 *   preconditioners. Dbar is weighted as aggregation.weighting says, by examples unless set; the mean of Theta_i is
 *   uniform.
 */
import { add, mul } from "@anabranch/engine";
import * as z from "zod";
import type { Layout } from "../params/layout.ts";
import type { LocalSettings } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localCurvature, localOptimizer, optimizerShape, requireFamily } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { optimizerSteps } from "./optimizer-steps.ts";
import { combine } from "./parameter-tensors.ts";
import { receivedStart } from "./preconditioner.ts";
import { compressionOf, compressionOption, requireCompression } from "./preconditioner-compression.ts";
import { meanGradient, stepFrom } from "./server.ts";
import { MODEL, SCALAR, uniformMean, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedpac } from "@anabranch/core";
 * fedpac.definition.name; // => "fedpac"
 * ```
 */
export const fedpac = defineMethod({
  name: "fedpac",
  options: z
    .strictObject({
      ...optimizerShape,
      directionShare: z.number().min(0).lt(1).default(0.5).describe("share of the last global update in a step (beta)"),
      alignment: z
        .boolean()
        .default(true)
        .describe("start from the mean preconditioner; false: from an own one, and the upload only measures the drift"),
      light: compressionOption.describe(
        "compresses the uploaded preconditioner, our design: a share (rho), true for block means",
      ),
    })
    .superRefine(requireFamily)
    .superRefine(requireCompression),
  symbols: { beta: "directionShare" },
  build({ directionShare: beta, alignment, light, ...own }) {
    const optimizer = (model: Layout, run: LocalSettings) => localOptimizer(own, model, run);
    const theta = compressionOf(own.optimizer, optimizer, light);
    return vectors({
      server: {
        parameters: MODEL,
        preconditioner: alignment ? theta.shape : undefined,
        steps: alignment ? SCALAR : undefined,
        direction: beta > 0 ? MODEL : undefined,
      },
      upload: {
        delta: weightedMean(MODEL),
        preconditioner: uniformMean(theta.shape, { drift: true, codec: theta.codec }),
      },
    }).method({
      countsSteps: alignment || beta > 0,
      local: optimizerSteps({
        optimizer,
        curvature: localCurvature(own),
        // Theta_i <- Theta
        start: (first, local) => receivedStart(theta, first, local),
        // u = P_Theta_i(g_i(y));  y <- y - eta * ((1 - beta) * u + beta * G)
        direction: (u, { broadcast: { direction: G } }) =>
          G === undefined ? u : combine((step, global) => add(mul(step, 1 - beta), mul(global, beta)), u, G),
        // D_i = y - x, and Theta_i
        result: (y, Theta, local) => ({
          update: { delta: modelDelta(y, local), preconditioner: theta.pack(Theta, local.model) },
          state: {},
        }),
      }),
      // x <- x + Dbar;  Theta <- mean_i Theta_i;  G <- -Dbar / (K eta)
      update: ({ parameters, steps = 0 }, { delta, preconditioner }, round) => ({
        parameters: stepFrom(parameters, 1, delta),
        preconditioner,
        steps: steps + round.localSteps,
        direction: meanGradient(delta, round),
      }),
    });
  },
});
