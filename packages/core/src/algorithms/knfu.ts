/**
 * KnFu: clients keep models of their own and learn from each other's outputs on public examples; each learns most from those
 * whose models expect like classes.
 *
 * Citation: S. J. Seyedmohammadi, S. M. Atapour, J. Abouei, A. Mohammadi, "KnFu: Effective Knowledge Fusion", 2024,
 * arXiv:2403.11892. A reconstruction: no code was found.
 *
 * Update rule:
 *   client: S times: y <- y - eta_d * d KL(F_i || softmax f(y)) on all public examples;  K times: y <- y - eta * g_i(y)
 *     sends Y_i = softmax f(y), its outputs on the public examples
 *   server: p_i = mean over examples of Y_i;  D_ij = (KL(p_i || p_j) + KL(p_j || p_i)) / 2
 *     a_ij = exp(-beta D_ij) / sum_k exp(-beta D_ik);  F_i = sum_j a_ij Y_j
 *
 * Symbols: x -> parameters -> [d]; y -> model -> [d]; F_i -> fused -> [examples, classes];
 *   Y_i -> knowledge -> [examples, classes]; beta -> sharpness -> []; S -> distillationSteps -> [];
 *   eta_d -> distillationRate -> []
 * State: server {parameters [d], fused [clients, examples, classes], has [clients]}; client {model [d], visits []}.
 * Wire: down examples x classes and at a client's first visit d, up examples x classes.
 * Differences: the paper estimates the class distribution of a client; here it is p_i, so that no label counts leave. Clients
 *   start from one model x, which stays as it is, and have one architecture. Public examples are all in one mini-batch, without
 *   dropout. Every client is in every round; one that fails learns from what it had.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { distillationOptions, distillationSymbols, publicDistillation } from "./public-distillation.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { knfu } from "@anabranch/core";
 * knfu({ sharpness: 2 }).usesPublicExamples; // => true
 * ```
 */
export const knfu = defineMethod({
  name: "knfu",
  options: z.strictObject({
    sharpness: z.number().min(0).default(10).describe("how much less unlike clients count (beta); 0: all alike"),
    ...distillationOptions,
  }),
  symbols: { beta: "sharpness", ...distillationSymbols },
  build: (options) => publicDistillation(options),
});
