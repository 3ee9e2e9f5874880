/**
 * FedProx: a proximal term holds local models near the global one and tolerates clients that do less work.
 *
 * Citation: T. Li, A. K. Sahu, M. Zaheer, M. Sanjabi, A. Talwalkar, V. Smith, "Federated Optimization in Heterogeneous
 * Networks", MLSys 2020, arXiv:1812.06127.
 *
 * Update rule:
 *   K times: y <- y - eta * (g_i(y) + mu * (y - x) + wd * y);  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> parameters -> [d]; mu -> proximalStrength -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: none; the term is added to the gradient exactly (released scripts detach it, which makes it a no-op).
 */
import { add, mul, sub } from "@anabranch/engine";
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
 * import { fedprox } from "@anabranch/core";
 * fedprox.definition.name; // => "fedprox"
 * ```
 */
export const fedprox = defineMethod({
  name: "fedprox",
  options: z.strictObject({
    proximalStrength: z.number().min(0).default(0.01).describe("weight of the proximal term (mu)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { mu: "proximalStrength" },
  build: ({ proximalStrength: mu, serverLearningRate }) =>
    vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd({
        direction: (gradients, parameters, { broadcast }) =>
          combine((g, y, x) => add(g, mul(sub(y, x), mu)), gradients, parameters, broadcast.parameters),
      }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
