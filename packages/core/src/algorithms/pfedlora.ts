/**
 * pFedLoRA: each client keeps a whole model of its own, and clients share a small adapter of low rank beside its head.
 * Knowledge goes from the adapter to the model, then from the model to the adapter.
 *
 * Citation: L. Yi, H. Yu, G. Wang, X. Liu, X. Li, "pFedLoRA: Model-Heterogeneous Personalized Federated Learning with LoRA
 * Tuning", 2023, arXiv:2310.13283. A reconstruction: no code was found.
 *
 * Update rule:
 *   h: inputs of the head;  y_1 = head(h);  y_2 = h P Q;  L_i = (1 - mu) loss(y_1) + mu loss(y_2)
 *   privateEpochs passes: omega_i <- omega_i - eta * dL_i(omega_i) at the received theta = (P, Q) = x
 *   K times: theta <- theta - eta * dL_i(theta) at that omega_i;  D_i = theta - x
 *   x <- x + eta_g * sum_i w_i D_i;  in use: y_1
 *
 * Symbols: x -> parameters -> [d]; omega_i -> personal parameters -> []; mu -> share -> []; r -> rank -> [];
 *   tau_p -> privateEpochs -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters: the configured model}.
 * Wire: down d, up d; d counts the adapter alone: r numbers for each input of the head and for each class.
 * Differences: all private models have the configured architecture, where the paper's differ. The adapter has no bias. Where
 *   the head is not a dense layer the adapter is a second head of its shapes.
 */
import * as z from "zod";
import { withSharedAdapter } from "../heterogeneity/index.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { pfedlora } from "@anabranch/core";
 * pfedlora({ rank: 4 }).personal?.layers; // => ["*", "!adapter.*"]
 * ```
 */
export const pfedlora = defineMethod({
  name: "pfedlora",
  options: z.strictObject({
    rank: z.int().positive().default(8).describe("units between the two layers of the adapter (r)"),
    share: z.number().min(0).max(1).default(0.3).describe("share of the adapter's loss (mu)"),
    privateEpochs: z.int().positive().default(1).describe("passes over a client's examples that train its model alone"),
    privateSteps: z.int().min(0).optional().describe("local steps that train its model alone; replaces privateEpochs"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { mu: "share", r: "rank", tau_p: "privateEpochs" },
  build: ({ rank, share, privateEpochs, privateSteps, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      trains: (configured) => withSharedAdapter(configured, { rank, share }),
      personal: {
        layers: ["*", "!adapter.*"],
        train: privateSteps === undefined ? { localEpochs: privateEpochs } : { localSteps: privateSteps },
      },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
