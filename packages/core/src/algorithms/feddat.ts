/**
 * FedDAT: beside a shared bottleneck adapter each client trains a local one and its own head. The shared adapter follows the
 * mean of the local one and of itself as received, and the local one follows the shared one.
 *
 * Citation: H. Chen, Y. Zhang, D. Krompass, J. Gu, V. Tresp, "FedDAT: An Approach for Foundation Model Finetuning in Multi-Modal
 * Heterogeneous Federated Learning", AAAI 2024, arXiv:2308.12305.
 *
 * Update rule:
 *   a_1 <- x;  a_2 = x stays;  l_1: logits with a_1;  l_D: logits with (a_0 + a_2) / 2;  KL_T(p || t) = T^2 KL(t/T || p/T)
 *   L_1 = (1 - w) loss(l_1) + w KL_T(l_1 || stop(l_D));  L_0 = (1 - w) loss(l_D) + w KL_T(l_D || stop(l_1))
 *   K times: a_1 <- a_1 - eta * dL_1(a_1);  a_0 <- a_0 - eta * dL_0(a_0);  head <- head - eta * d(L_1 + L_0)(head)
 *   x <- x + eta_g * mean_i (a_1 - x);  in use: (a_0 + x) / 2
 *
 * Symbols: x -> parameters -> [d]; a_0 -> personal parameters -> []; w -> kdWeight -> []; T -> temperature -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {personal parameters: local adapters and head}.
 * Wire: down d, up d; d counts the shared adapters alone.
 * Differences: both adapters and the head move at once, where the code moves the head after each loss. Local SGD, where the
 *   paper has AdamW with a schedule. Adapters follow the layers that adapters.targets names. Where a batch has a bound on its
 *   gradient, it is that of both adapters together.
 */
import * as z from "zod";
import { withDualAdapters } from "../heterogeneity/index.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { feddat } from "@anabranch/core";
 * feddat({}).personal?.layers; // => ["*.local.*", "head"]
 * ```
 */
export const feddat = defineMethod({
  name: "feddat",
  options: z.strictObject({
    kdWeight: z.number().min(0).max(1).default(0.5).describe("share of the distance to the teacher in each loss (w)"),
    temperature: z.number().positive().default(3).describe("what logits are divided by before they are compared (T)"),
    inference: z
      .enum(["dual", "local", "shared"])
      .default("dual")
      .describe('adapters of the evaluated model: "dual" (mean of both), "local" or "shared" alone'),
    trainsHead: z.boolean().default(true).describe("whether clients train heads of their own; else all keep the first"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { w: "kdWeight", T: "temperature" },
  build: ({ kdWeight, temperature, inference, trainsHead, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
      adapts: true,
      trains: (configured) => withDualAdapters(configured, { kdWeight, temperature, use: inference }),
      personal: { layers: ["*.local.*", ...(trainsHead ? ["head"] : [])] },
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
