/**
 * FedBCGD: every client trains the whole model but uploads one block of it; block-wise momentum on the server.
 *
 * Citation: J. Liu, F. Shang, Y. Liu, H. Liu, Y. Li, Y. Gong, "FedBCGD: Communication-Efficient Accelerated Block
 * Coordinate Gradient Descent for Federated Learning", ACM MM 2024 (doi 10.1145/3664647.3681094), arXiv:2603.05116.
 *
 * Update rule:
 *   x = (x_1, ..., x_N, x_s); client i of the cohort is given block j(i), at random anew each round
 *   K times: y <- y - eta * (g_i(y) + wd * y) on all of y;  D_i = y - x, of which block j(i) and x_s are sent
 *   u_j = mean of D_i,j over the clients with j(i) = j;  u_s = mean of D_i,s over all
 *   v <- beta * v + u;  x <- x + v
 *
 * Symbols: x -> parameters -> [d]; v -> momentum -> [d]; N -> blocks -> []; beta -> serverMomentum -> []; x_s -> the
 *   entries of role "head" -> [s]
 * State: server {parameters [d], momentum [d]}; client none.
 * Wire: down d, up (d - s) / N + s on average and the largest block + s at most.
 * Differences: blocks are runs of whole layers of about equal size for any model and the shared block is its head, where
 *   the released code lists blocks by hand for two models; a block that nobody sent has u_j = 0, so its momentum decays;
 *   the means are weighted as aggregation.weighting says (1/k with "uniform", the released code's). Its option "FedBCGD"
 *   has no momentum (here serverMomentum 0), the one with momentum is called "FedMoment".
 */
import * as z from "zod";
import { modelBlocks } from "./blocks.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { heavyBall } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedbcgd } from "@anabranch/core";
 * fedbcgd.definition.name; // => "fedbcgd"
 * ```
 */
export const fedbcgd = defineMethod({
  name: "fedbcgd",
  options: z.strictObject({
    blocks: z
      .int()
      .positive()
      .optional()
      .describe(
        "blocks of whole layers besides the head, which all send (N); unset: 5, or the number of layers if less",
      ),
    serverMomentum: z.number().min(0).lt(1).default(0.45).describe("heavy-ball factor of the server (beta)"),
  }),
  symbols: { N: "blocks", beta: "serverMomentum" },
  build: ({ blocks, serverMomentum }) =>
    vectors({
      server: { parameters: MODEL, momentum: MODEL },
      broadcast: ["parameters"],
      upload: { delta: weightedMean(MODEL) },
      parts: (model) => modelBlocks(model, blocks, "fedbcgd").map((block) => ({ delta: block })),
    }).method({
      local: localSgd(),
      update: (server, { delta }) => heavyBall(server, delta, serverMomentum, 1),
    }),
});
