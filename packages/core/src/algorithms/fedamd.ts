/**
 * FedAMD: part of a cohort are anchors, which send a large-batch gradient at the model; the others are miners, which take
 * variance-reduced steps that start from the anchors' mean gradient.
 *
 * Citation: F. Wu, S. Guo, Z. Qu, S. He, Z. Liu, J. Gao, "Anchor Sampling for Federated Learning with Partial Client
 * Participation", ICML 2023, arXiv:2206.05891 (Algorithm 1).
 *
 * Update rule:
 *   each client of the cohort is an anchor with probability p, else a miner; all are anchors in round 1 and every T rounds
 *   anchor: v_i+ = grad f_i(x) over its local batches; sends v_i+ - v_i;  v_i <- v_i+
 *   miner: y_0 = y_{-1} = x, g = v;  K times, on one batch: g <- g - g_i(y_{k-1}) + g_i(y_k);  y_{k+1} = y_k - eta * g
 *     sends D_i = y_K - x
 *   x <- x + eta_g * mean_i D_i over miners;  v <- v + (1 / M) * sum_i (v_i+ - v_i) over anchors
 *
 * Symbols: x -> parameters -> [d]; v -> gradient -> [d]; v_i -> client gradient -> [d]; p -> anchorShare -> [];
 *   T -> anchorEvery -> []; M -> population -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], gradient [d]}; client {gradient [d]}.
 * Wire: down 2d, up d; two gradients a step.
 * Differences: clients keep v_i and send its change, so that the server holds one mean instead of a table; v_i is 0 until a
 *   client's first turn as an anchor (the paper starts with the full gradients of all clients at x_0, here the clients of
 *   round 1 are all anchors instead); the anchor's gradient is the mean over the mini-batches of its local steps, with
 *   localEpochs = 1 that of its whole data up to the weight of a short last batch. A round without miners leaves x as it is.
 *   In short runs with few visits of each client the accuracy is below that of FedAvg, as v is made of old gradients.
 */
import { add, div, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, sum, weightedMean } from "./shapes.ts";

/** Places in `payloads.parts`. */
export const ANCHOR = 0;
export const MINER = 1;
const NOTHING = layout([]);

type Carry = {
  readonly parameters: ParameterTensors;
  readonly previous: ParameterTensors;
  /** g, the variance-reduced direction. */
  readonly direction: ParameterTensors;
  /** Sum of the gradients at `parameters`: of an anchor all at x. */
  readonly sum: ParameterTensors;
};

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedamd } from "@anabranch/core";
 * fedamd.definition.name; // => "fedamd"
 * ```
 */
export const fedamd = defineMethod({
  name: "fedamd",
  options: z.strictObject({
    anchorShare: z.number().min(0).max(1).default(0.2).describe("probability with which a client is an anchor (p)"),
    anchorEvery: z.int().positive().optional().describe("all clients are anchors in every round that this divides (T)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the miners' mean update"),
  }),
  symbols: { p: "anchorShare", T: "anchorEvery" },
  build: ({ anchorShare, anchorEvery, serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL, gradient: MODEL },
      client: { gradient: MODEL },
      upload: { delta: weightedMean(MODEL), change: sum(MODEL) },
      parts: (model) => [
        { delta: NOTHING, change: model },
        { delta: model, change: NOTHING },
      ],
    }).method({
      assign(_parts, cohort, key, round) {
        const everyone = round === 1 || (anchorEvery !== undefined && round % anchorEvery === 0);
        return cohort.map((client) => (everyone || coin(key, client) < anchorShare ? ANCHOR : MINER));
      },
      local: {
        begin({ broadcast: { parameters, gradient } }, settings): Carry {
          requirePlainSteps(settings);
          const nothing = combine((p) => mul(p, 0), parameters);
          return { parameters, previous: parameters, direction: gradient, sum: nothing };
        },
        step({ parameters, previous, direction, sum }, local) {
          const now = local.gradient(parameters);
          const before = local.gradient(previous);
          const next = combine((g, a, b) => add(g, sub(a, b)), direction, now.gradients, before.gradients);
          const moves = local.sent.delta; // an anchor stays at x
          const moved = combine((y, g, move) => sub(y, mul(mul(g, move), local.learningRate)), parameters, next, moves);
          const carry: Carry = {
            parameters: moved,
            previous: parameters,
            direction: next,
            sum: combine(add, sum, now.gradients),
          };
          return { carry, loss: now.loss };
        },
        end({ parameters, sum }, local) {
          const kept = local.state.gradient;
          const mean = combine((total) => div(total, local.steps), sum);
          const change = combine((v, old, sent) => mul(sub(v, old), sent), mean, kept, local.sent.change);
          return {
            update: { delta: modelDelta(parameters, local), change },
            state: { gradient: combine(add, kept, change) },
          };
        },
      },
      update: ({ parameters, gradient }, { delta, change }, { population }) => ({
        parameters: stepFrom(parameters, serverLearningRate, delta),
        gradient: stepFrom(gradient, 1 / population, change),
      }),
    }),
});

/** A number in [0, 1) for a client of a round. */
function coin(key: RandomKey, client: number): number {
  return randomStream(deriveKey(key, "anchor", client)).uint32() / 2 ** 32;
}
