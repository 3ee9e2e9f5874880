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
import { adamw } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import { blockLayout, blockMeans, expandBlocks } from "./block-means.ts";
import { requireNoMomentum } from "./local-optimizer.ts";
import { preconditioned } from "./preconditioned.ts";

export const fedadamwOptions = z.strictObject({
  directionShare: z.number().min(0).lt(1).default(0.5).describe("pull towards the last global update (alpha)"),
  blocks: z
    .enum(["tensor", "paper", "adam-mini", "coordinate"])
    .default("paper")
    .describe('blocks of the second moment: "tensor", "paper" (and attention heads), "adam-mini", "coordinate"'),
  mix: z.enum(["additive", "convex"]).default("additive").describe("how the pull joins the adaptive step"),
  beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the mean gradient (b1)"),
  beta2: z.number().min(0).lt(1).default(0.999).describe("decay of the mean square (b2)"),
  epsilon: z.number().positive().default(1e-8).describe("added to the root of the mean square"),
});

export function fedadamw(options: z.input<typeof fedadamwOptions> = {}): Algorithm {
  const settings = fedadamwOptions.parse(options);
  const { directionShare, blocks, mix, ...moments } = settings;
  return preconditioned({
    name: "fedadamw",
    options: settings,
    optimizer: (_model, run) => adamw({ ...moments, weightDecay: requireNoMomentum(run).weightDecay }),
    alignment: {
      layout: (_moments, model) => blockLayout(model, blocks),
      pack: (second, model) => blockMeans(second, model, blocks),
      unpack: (means, model) => expandBlocks(means, model, blocks),
    },
    pull: { form: mix, share: directionShare },
  });
}
