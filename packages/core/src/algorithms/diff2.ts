/**
 * DIFF2: releases differences of gradients, whose sensitivity shrinks with the step, and gradients only now and then.
 *
 * Citation: T. Murata, T. Suzuki, "DIFF2: Differential Private Optimization via Gradient Differences for Nonconvex
 * Distributed Learning", ICML 2023, arXiv:2302.03884 (DIFF2-GD).
 *
 * Update rule:
 *   r mod T = 0:  v = (sum_i clip(grad F_i(x_r), C1) + N(0, (z C1)^2 I)) / (q M)
 *   else:         v <- v + (sum_i clip(grad F_i(x_r) - grad F_i(x_{r-1}), C2 R) + N(0, (z C2 R)^2 I)) / (q M),
 *                 R = |x_r - x_{r-1}|
 *   x_{r+1} = x_r - eta_g * v
 *
 * Symbols: x_r -> parameters -> [d]; x_{r-1} -> previous -> [d]; v -> gradient -> [d]; T -> restartEvery -> []; eta_g ->
 *   serverLearningRate -> []; C1 -> privacy.clipNorm -> []; C2 -> smoothnessBound -> []; z -> privacy.noiseMultiplier ->
 *   []; q M -> sampler.cohort -> []
 * State: server {parameters [d], previous [d], gradient [d], scalar rounds}; client none.
 * Wire: down 2d + 1 (2d + 2 with protects = "records"), up d; two gradients a step.
 * Differences: the paper protects records. So does protects = "records": clients go over their data once in batches of
 *   one and send the mean over their n_i records of each one's clipped gradient (or difference; 0 where that is not
 *   finite), the noise on the sum is z C / min n_i, and adjacency is replacing one record. By default a client's mean
 *   gradient takes the place of a record, so that whole clients are protected and adjacency is adding or removing one.
 *   The server adds the noise unless privacy.noise says otherwise. A client's gradient is the mean over its local
 *   steps, none of which moves: local learning rate, momentum and weight decay have no influence. x_{r-1} goes down, as
 *   clients keep nothing. One noise multiplier serves both kinds of release; the last iterate is the result. The form
 *   with local steps is diff2-bvr-l-sgd.
 */
import { abs, add, div, globalNorm, less, maximum, minimum, mul, sub, type Tensor, where } from "@anabranch/engine";
import * as z from "zod";
import { distance } from "../params/vector.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, SCALAR, uniformMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { diff2 } from "@anabranch/core";
 * diff2.definition.name; // => "diff2"
 * ```
 */
export const diff2 = defineMethod({
  name: "diff2",
  options: z.strictObject({
    restartEvery: z.int().positive().default(10).describe("rounds from one release of gradients to the next (T)"),
    smoothnessBound: z
      .number()
      .positive()
      .default(1)
      .describe("clip norm of a gradient's change over the distance of the two models (C2)"),
    serverLearningRate: z.number().positive().default(0.1).describe("step along the released gradient (eta)"),
    protects: z
      .enum(["clients", "records"])
      .default("clients")
      .describe('whom noise protects: whole "clients", or single "records" as in the paper'),
  }),
  symbols: { T: "restartEvery", C2: "smoothnessBound" },
  build({ restartEvery, smoothnessBound, serverLearningRate, protects }) {
    const restarts = (rounds: number) => rounds % restartEvery === 0;
    return vectors({
      server: { parameters: MODEL, previous: MODEL, gradient: MODEL, rounds: SCALAR },
      upload: { change: uniformMean(MODEL) },
      broadcast: ["parameters", "previous"],
      computed: { difference: SCALAR, bound: protects === "records" ? SCALAR : undefined },
    }).method({
      privacy: {
        unit: protects,
        clipNorm: ({ parameters, previous, rounds }, configured) =>
          restarts(rounds) ? configured : smoothnessBound * distance(parameters, previous),
      },
      start: (parameters) => ({ previous: parameters }),
      compute: ({ rounds }, { clipNorm = Number.POSITIVE_INFINITY }) => ({
        difference: restarts(rounds) ? 0 : 1,
        bound: clipNorm,
      }),
      // the gradient at the model, less that at the previous model where differences are asked for, both on the same
      // batches; mean over the local steps, of each step clipped where a step is a record
      local: {
        begin: ({ broadcast: { parameters } }) => combine((x) => mul(x, 0), parameters),
        step(total, local) {
          const { parameters, previous, difference, bound } = local.broadcast;
          const now = local.gradient(parameters);
          const before = local.gradient(previous);
          const change = combine((g, p) => sub(g, mul(difference, p)), now.gradients, before.gradients);
          if (bound === undefined) return { carry: combine(add, total, change), loss: now.loss };
          const loss = where(finite(now.loss), now.loss, MOST);
          return { carry: combine(add, total, within(change, bound)), loss };
        },
        end: (total, { steps }) => ({
          update: { change: combine((changes) => div(changes, steps), total) },
          state: {},
        }),
      },
      update({ parameters, gradient, rounds }, { change }) {
        const released = restarts(rounds) ? change : stepFrom(gradient, 1, change);
        return {
          parameters: stepFrom(parameters, -serverLearningRate, released),
          previous: parameters,
          gradient: released,
          rounds: rounds + 1,
        };
      },
    });
  },
});

/**
 * clip(g, C) = g min(1, C / |g|), over all parameters together; 0 where |g| is not finite. A record must not make its client
 * fail: without the client's other records a sum would move by up to C, not 2 C / n.
 */
function within(gradients: ParameterTensors, bound: Tensor): ParameterTensors {
  const norm = globalNorm(gradients);
  const factor = minimum(div(bound, maximum(norm, TINY)), 1);
  return combine((g) => where(finite(norm), mul(g, factor), 0), gradients);
}

/** Keeps the norm of a zero gradient from dividing. */
const TINY = 1e-30;
/** The largest number of 32 bits: stands for a loss that is not finite, which would count as a failure too. */
const MOST = (2 - 2 ** -23) * 2 ** 127;

const finite = (x: Tensor): Tensor => less(abs(x), Number.POSITIVE_INFINITY);
