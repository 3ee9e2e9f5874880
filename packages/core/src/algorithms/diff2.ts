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
 * Wire: down 2d + 1, up d; two gradients a step.
 * Differences: the paper protects records and clips the gradient of each; here a client's mean gradient is the record, so
 *   that whole clients are protected, adjacency is adding or removing one, and the server adds the noise. A client's
 *   gradient is the mean over its local steps, none of which moves: local learning rate, momentum and weight decay have no
 *   influence. x_{r-1} goes down, as clients keep nothing. One noise multiplier serves both kinds of
 *   release; the last iterate is the result. The form with local steps is diff2-bvr-l-sgd.
 */
import { add, div, mul, sub, type TensorTree } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import { distance, zerosLike } from "../params/vector.ts";
import type { Algorithm, ClientHalf, ParameterTensors, ServerState } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom, zeros } from "./server.ts";

export const diff2Options = z.strictObject({
  restartEvery: z.int().positive().default(10).describe("rounds from one release of gradients to the next (T)"),
  smoothnessBound: z
    .number()
    .positive()
    .default(1)
    .describe("clip norm of a gradient's change over the distance of the two models (C2)"),
  serverLearningRate: z.number().positive().default(0.1).describe("step along the released gradient (eta)"),
});

const flag = layout([{ name: "difference", shape: [], role: "vector", block: "difference" }]);

/** Gradient at the model, less that at the previous model where differences are asked for; both on the same batches. */
const client: ClientHalf = {
  begin: (local) => combine((x) => mul(x, 0), local.broadcast["parameters"]!) as TensorTree,
  step(carry, local) {
    const now = local.gradient(local.broadcast["parameters"]!);
    const before = local.gradient(local.broadcast["previous"]!);
    const asked = local.broadcast["difference"]!["difference"]!;
    const next = combine(
      (sum, g, p) => add(sum, sub(g, mul(asked, p))),
      carry as ParameterTensors,
      now.gradients,
      before.gradients,
    );
    return { carry: next as TensorTree, loss: now.loss };
  },
  end: (carry, { steps }) => ({
    update: { change: combine((sum) => div(sum, steps), carry as ParameterTensors) },
    state: {},
  }),
};

export function diff2(options: z.input<typeof diff2Options> = {}): Algorithm {
  const settings = diff2Options.parse(options);
  const { restartEvery, smoothnessBound, serverLearningRate } = settings;
  const restarts = ({ scalars }: ServerState) => scalars["rounds"]! % restartEvery === 0;
  return {
    name: "diff2",
    options: settings,
    privacy: {
      clipNorm: (state, configured) =>
        restarts(state) ? configured : smoothnessBound * distance(state.vectors.parameters, state.vectors["previous"]!),
    },
    exchange: (model) => ({
      down: { parameters: model, previous: model, difference: flag },
      up: { change: { layout: model, aggregation: "uniformMean" } },
      client: {},
    }),
    init: (parameters) => ({
      vectors: { parameters, previous: parameters, gradient: zeros(parameters) },
      scalars: { rounds: 0 },
    }),
    client,
    broadcast(state) {
      const { parameters } = state.vectors;
      const difference = zerosLike(parameters, 1).fill(restarts(state) ? 0 : 1);
      return { parameters, previous: state.vectors["previous"]!, difference };
    },
    update(state, aggregate) {
      const { parameters } = state.vectors;
      const change = aggregate["change"]!;
      const gradient = restarts(state) ? change : stepFrom(state.vectors["gradient"]!, 1, change);
      return {
        vectors: { parameters: stepFrom(parameters, -serverLearningRate, gradient), previous: parameters, gradient },
        scalars: { ...state.scalars, rounds: state.scalars["rounds"]! + 1 },
      };
    },
  };
}
