/**
 * pFedMe: clients descend on the Moreau envelopes of their losses; the minimiser inside an envelope is the personal model.
 *
 * Citation: C. T. Dinh, N. H. Tran, T. D. Nguyen, "Personalized Federated Learning with Moreau Envelopes", NeurIPS 2020,
 * arXiv:2006.08848 (Algorithm 1).
 *
 * Update rule:
 *   w <- x;  K times: theta <- w;  R times: theta <- theta - alpha * (g_i(theta) + lambda * (theta - w))
 *   w <- w - eta * lambda * (w - theta);  D_i = w - x
 *   x <- x + beta * mean_i D_i
 *
 * Symbols: x -> parameters -> [d]; theta -> personal model -> [d]; lambda -> proximalStrength -> []; R -> innerSteps -> [];
 *   alpha -> innerLearningRate -> []; beta -> serverLearningRate -> []; eta -> training.learningRate -> []
 * State: server {parameters [d]}; client {model [d]}.
 * Wire: down d, up d; R gradients per step.
 * Differences: theta starts at w in each local step. training.momentum and training.weightDecay are refused. The weights of
 *   the mean are those of aggregation.weighting.
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { pfedme } from "@anabranch/core";
 * pfedme.definition.name; // => "pfedme"
 * ```
 */
export const pfedme = defineMethod({
  name: "pfedme",
  options: z.strictObject({
    proximalStrength: z.number().positive().default(15).describe("pull of personal models to the local one (lambda)"),
    innerSteps: z.int().min(1).max(100).default(5).describe("gradient steps towards the personal model (R)"),
    innerLearningRate: z.number().positive().default(0.05).describe("learning rate of these steps (alpha)"),
    serverLearningRate: z.number().positive().default(1).describe("share of the mean in the next model (beta)"),
  }),
  symbols: {
    lambda: "proximalStrength",
    R: "innerSteps",
    alpha: "innerLearningRate",
    beta: "serverLearningRate",
  },
  build: ({ proximalStrength: lambda, innerSteps, innerLearningRate: alpha, serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL },
      client: { model: MODEL },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      ownModel: (_global, kept) => kept?.["model"],
      local: {
        begin({ broadcast: { parameters } }, settings) {
          requirePlainSteps(settings);
          return { parameters, own: parameters };
        },
        step({ parameters: w }, local) {
          const inner = (theta: ParameterTensors) => {
            const { loss, gradients } = local.gradient(theta);
            const next = combine((t, g, v) => sub(t, mul(add(g, mul(sub(t, v), lambda)), alpha)), theta, gradients, w);
            return { loss, next };
          };
          const { loss, next } = inner(w);
          let theta = next;
          for (let step = 1; step < innerSteps; step++) theta = inner(theta).next;
          const rate = mul(local.learningRate, lambda);
          return { carry: { parameters: combine((v, t) => sub(v, mul(sub(v, t), rate)), w, theta), own: theta }, loss };
        },
        end({ parameters, own }, local) {
          return { update: { delta: modelDelta(parameters, local) }, state: { model: own } };
        },
      },
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    }),
});
