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
import {
  abs,
  add,
  div,
  globalNorm,
  less,
  maximum,
  minimum,
  mul,
  sub,
  type Tensor,
  type TensorTree,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import { distance, zerosLike } from "../params/vector.ts";
import type { Algorithm, ClientHalf, ParameterTensors, ServerState } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";
import { scalarLayout, stepFrom, zeros } from "./server.ts";

export const diff2Options = z.strictObject({
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
});

/**
 * Gradient at the model, less that at the previous model where differences are asked for; both on the same batches. Mean
 * over the local steps, of each step clipped where a step is a record.
 */
const client = (unit: "clients" | "records"): ClientHalf => ({
  begin: (local) => combine((x) => mul(x, 0), local.broadcast["parameters"]!) as TensorTree,
  step(carry, local) {
    const now = local.gradient(local.broadcast["parameters"]!);
    const before = local.gradient(local.broadcast["previous"]!);
    const asked = local.broadcast["difference"]!["difference"]!;
    const change = combine((g, p) => sub(g, mul(asked, p)), now.gradients, before.gradients);
    const counted = unit === "clients" ? change : within(change, local.broadcast["bound"]!["bound"]!);
    const loss = unit === "clients" ? now.loss : where(finite(now.loss), now.loss, MOST);
    return { carry: combine(add, carry as ParameterTensors, counted) as TensorTree, loss };
  },
  end: (carry, { steps }) => ({
    update: { change: combine((sum) => div(sum, steps), carry as ParameterTensors) },
    state: {},
  }),
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

export function diff2(options: z.input<typeof diff2Options> = {}): Algorithm {
  const settings = diff2Options.parse(options);
  const { restartEvery, smoothnessBound, serverLearningRate, protects } = settings;
  const restarts = ({ scalars }: ServerState) => scalars["rounds"]! % restartEvery === 0;
  return {
    name: "diff2",
    options: settings,
    privacy: {
      unit: protects,
      clipNorm: (state, configured) =>
        restarts(state) ? configured : smoothnessBound * distance(state.vectors.parameters, state.vectors["previous"]!),
    },
    exchange: (model) => ({
      down: {
        parameters: model,
        previous: model,
        difference: scalarLayout("difference"),
        ...(protects === "records" ? { bound: scalarLayout("bound") } : {}),
      },
      up: { change: { layout: model, aggregation: "uniformMean" } },
      client: {},
    }),
    init: (parameters) => ({
      vectors: { parameters, previous: parameters, gradient: zeros(parameters) },
      scalars: { rounds: 0 },
    }),
    client: client(protects),
    broadcast(state, { clipNorm = Number.POSITIVE_INFINITY }) {
      const { parameters } = state.vectors;
      const difference = zerosLike(parameters, 1).fill(restarts(state) ? 0 : 1);
      const bound = protects === "records" ? { bound: zerosLike(parameters, 1).fill(clipNorm) } : {};
      return { parameters, previous: state.vectors["previous"]!, difference, ...bound };
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
