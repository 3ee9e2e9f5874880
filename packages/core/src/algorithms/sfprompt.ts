/**
 * SFPrompt: clients hold the head and the tail of a frozen transformer, a server its body. Clients learn prompts and the tail:
 * first by a shortcut without the body, then through it, batch by batch, on examples that are not easy.
 *
 * Citation: L. Cao, Y. Zhu, W. Gong, "SFPrompt: Communication-Efficient Split Federated Fine-Tuning for Large Pre-Trained Models
 * over Resource-Limited Devices", 2024, arXiv:2407.17533. A reconstruction: no code was found.
 *
 * Update rule:
 *   f = W_t(W_b(W_h([p; a])));  f_s = W_t(W_h([p; a]));  x = (p, W_t)
 *   s_j = |softmax(f_s(a_j)) - onehot(y_j)| at the received x;  the floor(g n_i) examples of the lowest s_j are left out
 *   U passes over all examples: y <- y - eta * dloss(f_s)(y) from x
 *   K times, on the examples that stay: client sends h = W_h([p; a]), server z = W_b(h), client dz, server dh
 *     y <- y - eta * dloss(f)(y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> parameters -> [d]; g -> drop -> []; U -> localLossEpochs -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {has []: 1 once it has been sent the head}.
 * Wire: down d, up d; d counts prompts and tail. Beside them each example of a step sends its activations up and down and
 *   their gradients up and down, and W_h goes down at a client's first visit.
 * Differences: the paper's order of pruning and local-loss passes is not known; here scores are those of the received model,
 *   and the passes see all examples. Simulations compute the gradient without the cut, which is the same, and count the messages.
 */

import { constant } from "@anabranch/engine";
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, SCALAR, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { sfprompt } from "@anabranch/core";
 * sfprompt({ drop: 0.5 }).splitTraining?.drop; // => 0.5
 * ```
 */
export const sfprompt = defineMethod({
  name: "sfprompt",
  options: z.strictObject({
    headBlocks: z.int().min(0).default(1).describe("blocks of the model that clients have before the server's"),
    tailBlocks: z.int().min(0).default(1).describe("blocks that clients have, and train, after the server's"),
    drop: z
      .number()
      .min(0)
      .lt(1)
      .default(0.2)
      .describe("share of a client's examples that split training leaves out (g)"),
    keep: z
      .enum(["hardest", "easiest", "random"])
      .default("hardest")
      .describe('which examples stay: the "hardest" or "easiest" by EL2N, or any ("random")'),
    localLossEpochs: z.int().min(0).default(1).describe("passes over a client's examples without the body (U)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { g: "drop", U: "localLossEpochs" },
  build: ({ serverLearningRate, ...splitTraining }) =>
    vectors({
      server: { parameters: MODEL },
      client: { has: SCALAR },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      splitTraining,
      local: localSgd({
        result: (y, local) => ({ update: { delta: modelDelta(y, local) }, state: { has: constant(1) } }),
      }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
