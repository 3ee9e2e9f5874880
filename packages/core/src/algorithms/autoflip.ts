/**
 * AutoFLIP: the cohort of the first round explores the loss; parameters that hardly moved there are pruned for all, and what
 * is left is trained and travels.
 *
 * Citation: C. Interno, E. Raponi, N. van Stein, T. Bäck, M. Olhofer, Y. Jin, B. Hammer, "Automated Federated Learning via
 * Informed Pruning", 2024, arXiv:2405.10271.
 *
 * Update rule:
 *   round 1: clients train as in FedAvg and send (y - x)^2 elementwise
 *     G = min-max of mean_i (y_i - x)^2 over each tensor;  kappa = quantile of G over all tensors at T;  P = [G > kappa]
 *     hidden units with at least dropShare of their incoming weights pruned go with their biases and outgoing weights;  x <- P x
 *   later: K times: y <- y - eta * P (g_i(y) + wd * y);  D_i = y - x
 *     v <- beta v + (1 - beta) Dbar;  x <- P (x + v)
 *
 * Symbols: x -> parameters -> [d]; P -> mask -> [d]; v -> velocity -> [d]; T -> pruned -> []; beta -> serverMomentum -> []
 * State: server {parameters [d], mask [d], velocity [d]}; client none.
 * Wire: down (1 - T) d and d bits, up (1 - T) d and d bits; round 1: d each way.
 * Differences: the explorers are the cohort of round 1 and explore for one round's local budget, and the mask then stays,
 *   where the paper computes it anew once all clients have explored. What is not 0 is kept, so a kept parameter of exactly
 *   0 goes down as 2^-100, and the mask travels as the bitmap of every message. The released code compares the explorers
 *   with a model that was trained before and collects one of them alone. Units are dropped in chains of dense and
 *   convolution layers. A run without an update in round 1 ends with an error in the next one that has some. FLOPs of a
 *   simulation are those of the whole model.
 */
import { AnabranchError, cast, equal, mul, square, sub } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { explorationMask, maskedMomentumStep, withoutUnits } from "../submodels/index.ts";
import { defineMethod } from "./define-method.ts";
import { guidanceFrom } from "./fedlex.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, zeros } from "./server.ts";
import { MODEL, uniformMean, weightedMean } from "./shapes.ts";

/** Places in `payloads.parts`. */
const EXPLORING = 0;
const TRAINING = 1;
const NOTHING = layout([]);
/** A kept parameter that is 0: the smallest change that says so. */
const ALIVE = 2 ** -100;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { autoflip } from "@anabranch/core";
 * autoflip({ pruned: 0.6 }).options["pruned"]; // => 0.6
 * ```
 */
export const autoflip = defineMethod({
  name: "autoflip",
  options: z.strictObject({
    pruned: z.number().min(0).lt(1).default(0.3).describe("share of the parameters to prune (T); 0: no exploration"),
    dropShare: z
      .number()
      .positive()
      .max(1)
      .default(0.9)
      .describe("share of pruned incoming weights from which on a hidden unit goes"),
    serverMomentum: z.number().min(0).lt(1).default(0.9).describe("decay of the server's velocity (beta)"),
  }),
  symbols: { T: "pruned", beta: "serverMomentum" },
  build: ({ pruned, dropShare, serverMomentum: momentum }) =>
    vectors({
      server: { parameters: MODEL, mask: MODEL, velocity: MODEL },
      broadcast: ["parameters"],
      upload: { delta: weightedMean(MODEL), movement: uniformMean(MODEL) },
      parts: (model) => [
        { delta: NOTHING, movement: model },
        { delta: model, movement: NOTHING },
      ],
    }).method({
      defaultCompression: { up: ["non-zeros"], down: ["non-zeros"], isFixed: true },
      assign: (_parts, cohort, _key, round) => cohort.map(() => (round === 1 && pruned > 0 ? EXPLORING : TRAINING)),
      start: (parameters) => {
        const mask = zeros(parameters).fill(1);
        return { parameters: pruned > 0 ? alive(parameters, mask) : parameters, mask };
      },
      local: localSgd({
        direction: (gradients, _y, { broadcast: { parameters } }) =>
          pruned === 0
            ? gradients
            : combine((g, x) => mul(g, sub(1, cast(equal(x, 0), "float"))), gradients, parameters),
        result(y, local) {
          const delta = modelDelta(y, local);
          return { update: { delta, movement: combine(square, delta) }, state: {} };
        },
      }),
      update(server, { delta, movement }, { round, layout: model, cohortSize }) {
        const { parameters, velocity } = server;
        if (cohortSize === 0) return server;
        if (round === 1 && pruned > 0) {
          const mask = zeros(parameters);
          mask.set(withoutUnits(explorationMask(guidanceFrom(movement, model), pruned).mask, model, dropShare));
          return { parameters: alive(parameters, mask), mask, velocity };
        }
        // the quantile always prunes something
        if (pruned > 0 && server.mask.every((kept) => kept === 1)) throw notExplored();
        const next = maskedMomentumStep(parameters, velocity, { change: delta, mask: server.mask, momentum });
        return {
          parameters:
            pruned > 0
              ? alive(asGiven(next.parameters, parameters), server.mask)
              : asGiven(next.parameters, parameters),
          mask: server.mask,
          velocity: asGiven(next.velocity, parameters),
        };
      },
    }),
});

function notExplored(): AnabranchError {
  return new AnabranchError({
    code: "method/not-explored",
    message: "no client explored the loss in the first round, so nothing can be pruned",
    where: "round 1",
    received: "no update",
    expected: "one or more",
    advice: "Raise sampler.cohort, or set algorithm.pruned = 0.",
  });
}

/** The kept parameters, none of them 0. */
function alive(parameters: Vector, mask: Vector): Vector {
  return combineVectors((x, kept) => (kept === 0 ? 0 : x === 0 ? ALIVE : x), parameters, mask);
}

/** In the element type of the run. */
function asGiven(values: Float64Array, like: Vector): Vector {
  const given = zeros(like);
  given.set(values);
  return given;
}
