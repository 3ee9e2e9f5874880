/**
 * FedAsync: the server mixes each model into its own as it arrives, and less of it the more stale it is.
 *
 * Citation: C. Xie, S. Koyejo, I. Gupta, "Asynchronous Federated Optimization", 2019, arXiv:1903.03934.
 *
 * Update rule:
 *   u versions after x_v, which client i was given:
 *   y <- x_v;  K times: y <- y - eta * (g_i(y) + rho * (y - x_v) + wd * y)
 *   x <- (1 - a) * x + a * y,  a = alpha * s(u)
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> []; alpha -> mixing -> [];
 *   rho -> proximalStrength -> []; s -> schedule.staleness -> []; wd -> training.weightDecay -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: with schedule.buffer > 1 a round mixes the weighted mean of alpha * s(u_i) * (y_i - x). The paper halves
 *   alpha late in training; here it is constant.
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedasync } from "@anabranch/core";
 * fedasync.definition.name; // => "fedasync"
 * ```
 */
export const fedasync = defineMethod({
  name: "fedasync",
  options: z.strictObject({
    mixing: z.number().positive().max(1).default(0.6).describe("share of a fresh model in the next one (alpha)"),
    proximalStrength: z.number().min(0).default(0.005).describe("weight of the proximal term (rho)"),
  }),
  symbols: { alpha: "mixing", rho: "proximalStrength" },
  build: ({ mixing, proximalStrength: rho }) =>
    vectors({ server: { parameters: MODEL }, upload: { model: weightedMean(MODEL) } }).method({
      buffer: 1,
      sendsModels: true,
      local: localSgd({
        direction: (gradients, parameters, { broadcast }) =>
          combine((g, y, x) => add(g, mul(sub(y, x), rho)), gradients, parameters, broadcast.parameters),
        result: (model) => ({ update: { model }, state: {} }),
      }),
      // the schedule has put s on every model: the mean of s (y - x) is model - s x
      update: ({ parameters }, { model }, { meanFactor = 1 }) => ({
        parameters: combineVectors((x, y) => x + mixing * (y - meanFactor * x), parameters, model),
      }),
    }),
});
