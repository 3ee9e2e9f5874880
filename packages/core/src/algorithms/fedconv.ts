/**
 * FedConv: the server makes smaller models for weaker clients by learned convolutions of the weights, brings what they train
 * back to the large model by learned transposed convolutions, and learns how to add them up, all on labelled public examples.
 *
 * Citation: L. Shen, Q. Yang, K. Cui, Y. Zheng, X.-Y. Wei, J. Liu, J. Han, "FedConv: A Learning-on-Model Paradigm for
 * Heterogeneous Federated Clients", MobiSys 2024, arXiv:2502.20639.
 *
 * Update rule:
 *   server: E_s epochs of Adam on the public examples D_p move x;  C_r learned on D_p: x_r = C_r(x) for each ratio r < 1
 *   client i of ratio r: y <- x_r;  K times: y <- y - eta * (g_i(y) + wd * y);  D_i = y - x_r
 *   server: T_i learned on D_p: w_i = T_i(x_r + D_i), or x + D_i where r = 1
 *     a_i learned on D_p: x <- sum_i a_i * w_i * n_i / sum_i n_i, with a factor a_i for each entry
 *   C(w) = mlr(gain V / |V| correlated with w + p w), with p w alone where w is no convolution's;
 *   T(w) = mlr(gain V / |V| transposed-correlated with w);  mlr(v) = 0.85 v above 0, else 0.001 v
 *
 * Symbols: x -> parameters -> [d]; x_r -> subModel -> [d_r]; C_r -> filters -> [maps of r];
 *   T_i -> dilations -> [clients, maps]; a_i -> factors -> [clients, d]; E_s -> serverEpochs -> []; r -> ratios -> [];
 *   n_i -> aggregation.weighting -> [cohort]
 * State: server {parameters [d], for each tier r < 1 subModel [d_r] and filters, dilations, factors, known [clients]};
 *   client none.
 * Wire: down d_r, up d_r: about r^2 d of a wide network.
 * Differences: mlr is applied once, where the released code applies it twice, and one filter serves all kernel positions.
 *   What is trained is kept at the epoch of the lowest loss on a part of D_p, where the code looks at test accuracy and draws
 *   again until that is high. Clients' models are not trained on D_p before they are brought back. Projections have no bias.
 *   Extents are rounded down, to at least 1. Clients train by SGD as configured, where the code has Adam. Rates stay.
 */
import * as z from "zod";
import type { ClientHalf, Payloads } from "./algorithm.ts";
import { afterTraining, convolvedTraining } from "./convolved-training.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";

const epochs = z.int().min(0).max(10_000);
const rate = z.number().positive();

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedconv } from "@anabranch/core";
 * fedconv({ ratios: [1, 0.75] }).widths; // => { ratios: [1, 0.75], rolls: false, round: "down" }
 * ```
 */
export const fedconv = defineMethod({
  name: "fedconv",
  options: z.strictObject({
    ratios: z
      .array(z.number().positive().max(1))
      .min(1)
      .max(64)
      .default([1, 0.75, 0.5625])
      .describe("share of the hidden units by tier; client i is in tier i modulo their number"),
    serverEpochs: epochs.default(10).describe("epochs of the large model on the public examples in each round (E_s)"),
    serverRate: rate.default(0.0001).describe("their learning rate"),
    mapEpochs: epochs.default(20).describe("epochs of each learned convolution in each round"),
    mapRate: rate.default(0.001).describe("their learning rate"),
    factorEpochs: epochs.default(20).describe("epochs of the factors of the sum in each round"),
    factorRate: rate.default(0.001).describe("their learning rate"),
    factorStart: z
      .enum(["normal", "ones"])
      .default("normal")
      .describe('first factors: standard "normal" as in the paper, or "ones", which is the mean'),
    publicBatch: z.int().positive().default(32).describe("public examples per step of the server"),
    validation: z
      .number()
      .min(0)
      .lt(1)
      .default(0.2)
      .describe("share of the public examples that choose the epoch to keep and are not trained on; 0: the last one"),
  }),
  symbols: { r: "ratios", E_s: "serverEpochs" },
  build: (options): MethodBody => ({
    widths: { ratios: options.ratios, rolls: false, round: "down" },
    publicTraining: convolvedTraining(options),
    payloads: (model): Payloads => ({
      broadcast: { parameters: model },
      upload: { delta: { layout: model, aggregation: "each" } },
      clientState: {},
    }),
    client: localSgd() as unknown as ClientHalf,
    init: (parameters) => ({ vectors: { parameters }, scalars: {} }),
    broadcast: ({ vectors: { parameters } }) => ({ parameters }),
    update: afterTraining,
  }),
});
