/**
 * FedLEx: the cohort of the first round explores the loss; how far each parameter moved there guides every later gradient.
 *
 * Citation: C. Interno, M. Olhofer, Y. Jin, B. Hammer, "Federated Loss Exploration for Improved Convergence on Non-IID Data",
 * IJCNN 2024, arXiv:2506.18640.
 *
 * Update rule:
 *   round 1: clients train as in FedAvg and send (y - x)^2 elementwise; x stays
 *     G = min-max of mean_i (y_i - x)^2 over each tensor, in [0, 1]; a tensor that moved evenly has G = 1
 *   later: K times: y <- y - eta * (G * g_i(y) + wd * y);  D_i = y - x;  x <- x + eta_g * Dbar
 *
 * Symbols: x -> parameters -> [d]; G -> guidance -> [d]; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], guidance [d]}; client none.
 * Wire: down 2d, up d.
 * Differences: the explorers are the cohort of round 1 and explore for one round's local budget, where the paper trains a
 *   share of all clients for many epochs; G goes down in every round, as clients keep nothing. The parameter of each tensor
 *   that moved least has G = 0 and never trains. If no client finishes round 1, G stays 1. On the data tried here the
 *   guidance acts as a smaller step.
 */
import { mul, square } from "@anabranch/engine";
import * as z from "zod";
import { entryView } from "../params/index.ts";
import { type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom, zeros } from "./server.ts";
import { MODEL, uniformMean, weightedMean } from "./shapes.ts";

/** Places in `payloads.parts`. */
const EXPLORING = 0;
const TRAINING = 1;
const NOTHING = layout([]);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedlex } from "@anabranch/core";
 * fedlex.definition.name; // => "fedlex"
 * ```
 */
export const fedlex = defineMethod({
  name: "fedlex",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build: ({ serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL, guidance: MODEL },
      upload: { delta: weightedMean(MODEL), movement: uniformMean(MODEL) },
      parts: (model) => [
        { delta: NOTHING, movement: model },
        { delta: model, movement: NOTHING },
      ],
    }).method({
      assign: (_parts, cohort, _key, round) => cohort.map(() => (round === 1 ? EXPLORING : TRAINING)),
      start: (parameters) => ({ guidance: zeros(parameters).fill(1) }),
      local: localSgd({
        direction: (gradients, _y, { broadcast }) => combine(mul, gradients, broadcast.guidance),
        result(y, local) {
          const delta = modelDelta(y, local);
          return { update: { delta, movement: combine(square, delta) }, state: {} };
        },
      }),
      update({ parameters, guidance }, { delta, movement }, { round, layout: model }) {
        if (round === 1) return { parameters, guidance: guidanceFrom(movement, model) };
        return { parameters: stepFrom(parameters, serverLearningRate, delta), guidance };
      },
    }),
});

/** G: mean squared movement [d] scaled tensor by tensor to [0, 1]; 1 throughout a tensor whose values are all equal. */
export function guidanceFrom(movement: Vector, model: Layout): Vector {
  const guidance = zeros(movement);
  for (const entry of model.entries) {
    const moved = entryView(movement, entry);
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (const value of moved) [least, most] = [Math.min(least, value), Math.max(most, value)];
    const scaled = entryView(guidance, entry);
    for (let i = 0; i < moved.length; i++) scaled[i] = most > least ? (moved[i]! - least) / (most - least) : 1;
  }
  return guidance;
}
