/**
 * Ditto: beside FedAvg each client trains a model of its own, which a proximal term holds near the received one.
 *
 * Citation: T. Li, S. Hu, A. Beirami, V. Smith, "Ditto: Fair and Robust Federated Learning Through Personalization", ICML 2021,
 * arXiv:2012.04221.
 *
 * Update rule:
 *   K times: y <- y - eta * g_i(y);  v_i <- v_i - eta * (g_i(v_i) + lambda * (v_i - x));  D_i = y - x
 *   x <- x + eta_g * sum_i w_i D_i;  v_i <- x before the first visit of client i
 *
 * Symbols: x -> parameters -> [d]; v_i -> personal model -> [d]; lambda -> proximalStrength -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {model [d], visits []}.
 * Wire: down d, up d; two gradients per step.
 * Differences: both models step on the same mini-batches, as in the released code. lambda is constant: it is not chosen anew in
 *   every step by a validation loss.
 */
import { add, constant, equal, mul, sgd, sub, takeStep, where } from "@anabranch/engine";
import * as z from "zod";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, SCALAR, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { ditto } from "@anabranch/core";
 * ditto.definition.name; // => "ditto"
 * ```
 */
export const ditto = defineMethod({
  name: "ditto",
  options: z.strictObject({
    proximalStrength: z.number().min(0).default(0.1).describe("pull of personal models to the global one (lambda)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { lambda: "proximalStrength" },
  build: ({ proximalStrength: lambda, serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL },
      client: { model: MODEL, visits: SCALAR },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      ownModel: (_global, kept) => kept?.["model"],
      local: {
        begin({ broadcast: { parameters }, state: { model, visits } }, settings) {
          const own = combine((kept, received) => where(equal(visits, 0), received, kept), model, parameters);
          const rule = sgd(settings);
          return { parameters, own, optimizer: rule.init(parameters), ownOptimizer: rule.init(own) };
        },
        step({ parameters, own, optimizer, ownOptimizer }, local, settings) {
          const { loss, gradients } = local.gradient(parameters);
          const pulled = combine(
            (g, v, x) => add(g, mul(sub(v, x), lambda)),
            local.gradient(own).gradients,
            own,
            local.broadcast.parameters,
          );
          const next = takeStep(sgd(settings), gradients, optimizer, parameters, local);
          const nextOwn = takeStep(sgd(settings), pulled, ownOptimizer, own, local);
          const carry = {
            parameters: next.parameters,
            own: nextOwn.parameters as ParameterTensors,
            optimizer: next.state,
            ownOptimizer: nextOwn.state,
          };
          return { carry, loss };
        },
        end({ parameters, own }, local) {
          return {
            update: { delta: modelDelta(parameters, local) },
            state: { model: own, visits: add(local.state.visits, constant(1)) },
          };
        },
      },
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
