/**
 * FedSpeed: many local steps held together by a proximal term, a dual correction that removes its bias, and a
 * sharpness-aware gradient.
 *
 * Citation: Y. Sun, L. Shen, T. Huang, L. Ding, D. Tao, "FedSpeed: Larger Local Interval, Less Communication Round, and
 * Higher Generalization Accuracy", ICLR 2023, arXiv:2302.10429 (Algorithm 1, with h_i = -lambda * ghat_i).
 *
 * Update rule:
 *   K times, on one batch: g1 = g_i(y);  g2 = g_i(y + rho * g1 / |g1|);  gt = (1 - alpha) * g1 + alpha * g2
 *     y <- y - eta * (gt + (h_i + y - x) / lambda + wd * y)
 *   h_i <- h_i + (y - x)
 *   paper: x <- mean_i (y + h_i) over the cohort;  code: x <- mean_i y over the cohort + mean of h_i over all clients
 *
 * Symbols: x -> parameters -> [d]; h_i -> client correction -> [d]; 1/lambda -> proximalStrength -> [];
 *   rho -> perturbationRadius -> []; alpha -> ascentShare -> []
 * State: server {parameters [d], correction [d], the mean of h_i over all clients}; client {correction [d]}.
 * Wire: down d, up d; two gradients a step.
 * Differences: form = "code" (default) is the authors' released code, which made their table; "paper" averages y + h_i over
 *   the cohort. Clients weigh the same whatever aggregation.weighting says, as the correction needs. Both normalise the perturbation as the code does (the paper scales it by the gradient); the code's
 *   alpha is 1.
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";
import { sharpnessAware } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedspeed } from "@anabranch/core";
 * fedspeed.definition.name; // => "fedspeed"
 * ```
 */
export const fedspeed = defineMethod({
  name: "fedspeed",
  options: z.strictObject({
    proximalStrength: z
      .number()
      .min(0)
      .default(0.1)
      .describe("weight of the proximal term and its correction (1/lambda)"),
    perturbationRadius: z.number().min(0).default(0.1).describe("length of the perturbation (rho)"),
    ascentShare: z.number().min(0).max(1).default(1).describe("share of the perturbed gradient (alpha)"),
    form: z.enum(["code", "paper"]).default("code").describe('server average: the released "code" or the "paper"'),
  }),
  symbols: { rho: "perturbationRadius", alpha: "ascentShare" },
  build: ({ proximalStrength, perturbationRadius: rho, ascentShare: alpha, form }) =>
    vectors({
      server: { parameters: MODEL, correction: MODEL },
      client: { correction: MODEL },
      broadcast: ["parameters"],
      upload: { delta: uniformMean(MODEL) },
    }).method({
      local: localSgd({
        direction(g1, parameters, local) {
          const g2 = sharpnessAware(rho)(g1, parameters, local);
          const gt = alpha === 1 ? g2 : combine((a, b) => add(mul(a, 1 - alpha), mul(b, alpha)), g1, g2);
          return combine(
            (g, h, y, x) => add(g, mul(add(h, sub(y, x)), proximalStrength)),
            gt,
            local.state.correction,
            parameters,
            local.broadcast.parameters,
          );
        },
        result(y, local) {
          const delta = modelDelta(y, local);
          const correction = combine(add, local.state.correction, delta);
          return {
            update: { delta: form === "paper" ? combine(add, delta, correction) : delta },
            state: { correction },
          };
        },
      }),
      update(server, { delta }, { cohortSize, population }) {
        const averaged = stepFrom(server.parameters, 1, delta);
        if (form === "paper") return { parameters: averaged, correction: server.correction };
        const correction = stepFrom(server.correction, cohortSize / population, delta);
        return { parameters: combineVectors((y, h) => y + h, averaged, correction), correction };
      },
    }),
});
