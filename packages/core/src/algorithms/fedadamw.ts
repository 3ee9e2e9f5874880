/**
 * FedAdamW: local AdamW that starts each round from block means of the second moment and is pulled towards the last
 * global update.
 *
 * Citation: J. Liu, F. Shang, H. Liu, Y. Tian, Y. Liu, J. Liu, K. Zhu, Z. Lin, "FedAdamW: A Communication-Efficient
 * Optimizer with Convergence and Generalization Guarantees for Federated Large Models", AAAI 2026 (doi 10.1609/aaai.v40i28.39549), arXiv:2510.27486.
 *
 * Update rule:
 *   m <- 0;  v_j <- vbar_b for every coordinate j of block b
 *   k = 1..K: t <- t + 1;  m <- b1 * m + (1 - b1) * g;  v <- b2 * v + (1 - b2) * g^2
 *             y <- y - eta * ((m / (1 - b1^k)) / (sqrt(v / (1 - b2^t)) + eps) + wd * y + alpha * G)
 *   D_i = y - x;  vbar_ib = mean of v over block b
 *   x <- x + Dbar;  vbar <- mean_i vbar_i;  G <- -Dbar / (K eta)
 *
 * Symbols: x -> parameters -> [d]; vbar -> preconditioner -> [B]; G -> direction (gradient-signed) -> [d]; alpha -> directionShare -> [];
 *   b1 -> beta1 -> []; b2 -> beta2 -> []; eps -> epsilon -> []; wd -> training.weightDecay -> []
 * State: server {parameters [d], preconditioner [B], direction [d], steps [1]}; client none.
 * Wire: down 2d + B + 1, up d + B.
 * Differences: follows the equations: m is corrected by the local count k and v by the global count t (the released vision
 *   script corrects both by t, and sends all of v); decay shrinks the weights (a transcription has the other sign). The
 *   paper's blocks are taken from the description of the same operator in its sister paper. mix = "convex" scales the
 *   adaptive part and the decay by 1 - alpha, as the released language script does for the adaptive part. Dbar is
 *   weighted as aggregation.weighting says, by examples unless set; the mean of vbar_i is uniform.
 */
import { adamw, add, mul } from "@anabranch/engine";
import * as z from "zod";
import { blockStrategies } from "./block-means.ts";
import { defineMethod } from "./define-method.ts";
import { requireNoMomentum } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { optimizerSteps } from "./optimizer-steps.ts";
import { combine } from "./parameter-tensors.ts";
import { preconditionerMeans, receivedStart } from "./preconditioner.ts";
import { meanGradient, stepFrom } from "./server.ts";
import { MODEL, SCALAR, uniformMean, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedadamw } from "@anabranch/core";
 * fedadamw.definition.name; // => "fedadamw"
 * ```
 */
export const fedadamw = defineMethod({
  name: "fedadamw",
  options: z.strictObject({
    directionShare: z.number().min(0).lt(1).default(0.5).describe("pull towards the last global update (alpha)"),
    blocks: z
      .enum(blockStrategies)
      .default("paper")
      .describe('blocks of the second moment: "tensor", "paper" (and attention heads), "adam-mini", "coordinate"'),
    mix: z.enum(["additive", "convex"]).default("additive").describe("how the pull joins the adaptive step"),
    beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the mean gradient (b1)"),
    beta2: z.number().min(0).lt(1).default(0.999).describe("decay of the mean square (b2)"),
    epsilon: z.number().positive().default(1e-8).describe("added to the root of the mean square"),
  }),
  symbols: { alpha: "directionShare", b1: "beta1", b2: "beta2", eps: "epsilon" },
  build({ directionShare: alpha, blocks, mix, ...moments }) {
    const means = preconditionerMeans(blocks);
    return vectors({
      server: {
        parameters: MODEL,
        preconditioner: means.shape,
        steps: SCALAR,
        direction: alpha > 0 ? MODEL : undefined,
      },
      upload: { delta: weightedMean(MODEL), preconditioner: uniformMean(means.shape, { drift: true }) },
    }).method({
      countsSteps: true,
      local: optimizerSteps({
        optimizer: (_model, run) => adamw({ ...moments, weightDecay: requireNoMomentum(run).weightDecay }),
        // v_j <- vbar_b, and t goes on
        start: (first, local) => receivedStart(means, first, local),
        // y <- y - eta * (u + alpha * G), where u is the adaptive step and the decay
        direction(u, { broadcast: { direction: G } }) {
          if (G === undefined) return u;
          const keep = mix === "convex" ? 1 - alpha : 1;
          return combine((own, global) => add(mul(own, keep), mul(global, alpha)), u, G);
        },
        // D_i = y - x;  vbar_ib = mean of v over block b
        result: (y, v, local) => ({
          update: { delta: modelDelta(y, local), preconditioner: means.pack(v, local.model) },
          state: {},
        }),
      }),
      // x <- x + Dbar;  vbar <- mean_i vbar_i;  G <- -Dbar / (K eta)
      update: ({ parameters, steps }, { delta, preconditioner }, round) => ({
        parameters: stepFrom(parameters, 1, delta),
        preconditioner,
        steps: steps + round.localSteps,
        direction: meanGradient(delta, round),
      }),
    });
  },
});
