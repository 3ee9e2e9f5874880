/**
 * Per-FedAvg: learns a model from which one gradient step on a client's own examples gives a good personal model.
 *
 * Citation: A. Fallah, A. Mokhtari, A. Ozdaglar, "Personalized Federated Learning with Theoretical Guarantees: A Model-Agnostic
 * Meta-Learning Approach", NeurIPS 2020, arXiv:2002.07948.
 *
 * Update rule:
 *   K times: u = g_i(y - alpha * g_i(y));  y <- y - eta * u (fo), or y <- y - eta * (u - alpha * H_i(y) u) (hf);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> parameters -> [d]; alpha -> adaptationRate -> []; H_i -> Hessian -> []; eta_g -> serverLearningRate -> [];
 *   eta -> training.learningRate -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d; two gradients per step, and a Hessian product in the form "hf".
 * Differences: the paper draws independent mini-batches for the three factors; here all are of the mini-batch of the step. The
 *   Hessian product is exact, where the paper's HF takes a difference of gradients.
 */
import { mul, sub } from "@anabranch/engine";
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { perfedavg } from "@anabranch/core";
 * perfedavg.definition.name; // => "perfedavg"
 * ```
 */
export const perfedavg = defineMethod({
  name: "perfedavg",
  options: z.strictObject({
    form: z
      .enum(["fo", "hf"])
      .default("fo")
      .describe('"fo": without second derivatives; "hf": with a Hessian product in each step'),
    adaptationRate: z.number().min(0).default(0.05).describe("learning rate of the adaptation step (alpha)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { alpha: "adaptationRate" },
  build: ({ form, adaptationRate: alpha, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      ...(alpha === 0 ? {} : { adaptation: alpha }),
      local: localSgd({
        at: (y, local) => combine((value, g) => sub(value, mul(g, alpha)), y, local.gradient(y).gradients),
        direction(u, y, local) {
          if (form === "fo" || alpha === 0) return u;
          return combine((g, curved) => sub(g, mul(curved, alpha)), u, local.hessianProduct(y, u));
        },
      }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
