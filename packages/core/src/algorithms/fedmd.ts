/**
 * FedMD: clients keep models of their own, and all learn from the mean of their outputs on public examples.
 *
 * Citation: D. Li, J. Wang, "FedMD: Heterogenous Federated Learning via Model Distillation", 2019, arXiv:1910.03581.
 *
 * Update rule:
 *   client: S times: y <- y - eta_d * d KL(F || softmax f(y)) on all public examples;  K times: y <- y - eta * g_i(y)
 *     sends Y_i = softmax f(y), its outputs on the public examples
 *   server: F = mean over clients of Y_i
 *
 * Symbols: x -> parameters -> [d]; y -> model -> [d]; F -> fused -> [examples, classes];
 *   Y_i -> knowledge -> [examples, classes]; S -> distillationSteps -> []; eta_d -> distillationRate -> []
 * State: server {parameters [d], fused [clients, examples, classes], has [clients]}; client {model [d], visits []}.
 * Wire: down examples x classes and at a client's first visit d, up examples x classes.
 * Differences: it is `knfu` with sharpness 0. Class scores are probabilities and their distance is KL, where the released code
 *   has logits and absolute differences. Public examples have no labels, so clients do not train on them first, as the paper
 *   does. All of them are in every round and in one mini-batch, without dropout. Clients start from one model x, which stays
 *   as it is, and have one architecture. Every client is in every round; one that fails learns from what it had.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { distillationOptions, distillationSymbols, publicDistillation } from "./public-distillation.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedmd } from "@anabranch/core";
 * fedmd({ distillationSteps: 3 }).wholePopulation; // => true
 * ```
 */
export const fedmd = defineMethod({
  name: "fedmd",
  options: z.strictObject(distillationOptions),
  symbols: distillationSymbols,
  build: (options) => publicDistillation({ ...options, sharpness: 0 }),
});
