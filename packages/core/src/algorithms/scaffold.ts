/**
 * SCAFFOLD: control variates remove the client drift that biases FedAvg's fixed point.
 *
 * Citation: S. P. Karimireddy, S. Kale, M. Mohri, S. J. Reddi, S. U. Stich, A. T. Suresh, "SCAFFOLD: Stochastic Controlled
 * Averaging for Federated Learning", ICML 2020, arXiv:1910.06378 (Algorithm 1, option II).
 *
 * Update rule:
 *   K times: y <- y - eta * (g_i(y) - c_i + c + wd * y);  D_i = y - x
 *   c_i+ = c_i - c + (x - y) / (K eta);  dc_i = c_i+ - c_i;  c_i <- c_i+
 *   x <- x + eta_g * mean_i D_i;  c <- c + (S / M) * mean_i dc_i
 *
 * Symbols: x -> parameters -> [d]; c -> control -> [d]; c_i -> client control -> [d]; eta_g -> serverLearningRate -> [];
 *   S -> cohort -> []; M -> population -> []; K eta -> sum of the steps' learning rates, each drawn out by momentum -> []
 * State: server {parameters [d], control [d]}; client {control [d]}.
 * Wire: down 2d, up 2d.
 * Differences: with local momentum, which the paper's clients do not have, K eta grows with it as y - x does, so that
 *   (x - y) / (K eta) stays a mean of gradients; the control term enters the gradient (released scripts add it to the loss as a number, which has no
 *   gradient); the mean of dc_i is uniform, so that c = mean_i c_i holds for any weighting of the model.
 */
import { add } from "@anabranch/engine";
import * as z from "zod";
import { controlChange, controlled } from "./control-variates.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { scaffold } from "@anabranch/core";
 * scaffold.definition.name; // => "scaffold"
 * ```
 */
export const scaffold = defineMethod({
  name: "scaffold",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL, control: MODEL },
      client: { control: MODEL },
      upload: { delta: weightedMean(MODEL), control: uniformMean(MODEL) },
    }).method({
      local: localSgd({
        direction: controlled,
        result(y, local) {
          const { delta, change } = controlChange(y, local);
          return {
            update: { delta, control: change },
            state: { control: combine(add, local.state.control, change) },
          };
        },
      }),
      update: ({ parameters, control }, upload, { cohortSize, population }) => ({
        parameters: stepFrom(parameters, serverLearningRate, upload.delta),
        control: stepFrom(control, cohortSize / population, upload.control),
      }),
    }),
});
