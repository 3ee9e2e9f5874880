/**
 * HyperFL: clients share a hypernetwork that generates their feature extractors from embeddings. Embeddings and heads stay with
 * the clients, so no message has a parameter of a client's model.
 *
 * Citation: P. Guo, S. Zeng, W. Chen, X. Zhang, W. Ren, Y. Zhou, L. Qu, "A New Federated Learning Framework Against Gradient
 * Inversion Attacks", AAAI 2025, arXiv:2412.07187.
 *
 * Update rule:
 *   theta(v; psi): each tensor is B_T relu(A v + a) + c_T, reshaped;  psi = (A, a, all B_T, c_T)
 *   headEpochs passes: phi_i <- phi_i - eta * dg_i(phi_i) at theta(v_i; x)
 *   K times: (psi, v_i) <- (psi, v_i) - eta * (clip(d psi), clip(d v_i)), gradients of the loss at (theta(v_i; psi), phi_i);
 *     D_i = psi - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> parameters -> [d]; phi_i -> head -> []; v_i -> client.embedding -> [e]; e -> embedding -> [];
 *   h -> hidden -> []; tau_h -> headEpochs -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters: head and embedding}.
 * Wire: down d, up d; d counts psi alone, which has about h + 1 numbers for each parameter of the extractor.
 * Differences: psi starts so that it generates about what the model would start with, where the released code has PyTorch's
 *   defaults. Both phases have the run's learning rate, where the code has 0.1 for heads and 0.02 for psi. Embeddings are
 *   drawn independently, as in the paper; embeddings = "common" is the released code, where all clients begin alike. There is
 *   no formal guarantee: an attacker who guesses v_i can attack psi. The form with a pre-trained backbone is left out.
 */
import * as z from "zod";
import { clippedTogether } from "../heterogeneity/clipped-together.ts";
import { EMBEDDING, hypernetworkModel } from "../heterogeneity/hypernetwork-model.ts";
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
 * import { hyperfl } from "@anabranch/core";
 * hyperfl({ embedding: 8, hidden: 16 }).personal?.drawn; // => ["client.embedding"]
 * ```
 */
export const hyperfl = defineMethod({
  name: "hyperfl",
  options: z.strictObject({
    embedding: z.int().positive().default(64).describe("numbers in a client's embedding (e)"),
    hidden: z.int().positive().default(128).describe("units of the hypernetwork's hidden layer (h)"),
    embeddings: z
      .enum(["own", "common"])
      .default("own")
      .describe('first embeddings: each client\'s "own" draw, or one in "common"'),
    headEpochs: z.int().positive().default(1).describe("passes over a client's examples that train the head alone"),
    headSteps: z.int().min(0).optional().describe("local steps that train the head alone; replaces headEpochs"),
    clip: z
      .number()
      .positive()
      .default(50)
      .describe("largest length of a step's gradient of the hypernetwork, and of the embedding"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { e: "embedding", h: "hidden", tau_h: "headEpochs" },
  build: ({ embedding, hidden, embeddings, headEpochs, headSteps, clip, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      trains: (configured) => hypernetworkModel(configured, { embedding, hidden }),
      personal: {
        layers: ["*", "!hypernetwork.*"],
        train: headSteps === undefined ? { localEpochs: headEpochs } : { localSteps: headSteps },
        first: ["*", `!${EMBEDDING}`],
        ...(embeddings === "own" ? { drawn: [EMBEDDING] } : {}),
        clip,
      },
      local: localSgd({ direction: (gradients) => clippedTogether(gradients, clip) }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
