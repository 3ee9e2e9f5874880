/**
 * MoNNA: nodes train with momentum that they keep, and average with the models that are nearest to their own, so that
 * faulty nodes are left out.
 *
 * Citation: S. Farhadkhani, R. Guerraoui, N. Gupta, L.-N. Hoang, R. Pinot, J. Stephan, "Robust Collaborative Learning with
 * Linear Gradient Overhead", ICML 2023, arXiv:2209.10931.
 *
 * Update rule:
 *   in every round at node i:
 *   y_i <- x_i;  K times: m_i <- beta * m_i + (1 - beta) * g_i(y_i);  y_i <- y_i - eta * m_i
 *   of the models that it has, its own included, it leaves out the f farthest from y_i;  x_i <- mean of the others
 *
 * Symbols: x_i -> nodes -> [nodes, d]; m_i -> momentum -> [d]; beta -> momentum -> []; f -> byzantine -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client {momentum [d]}.
 * Wire: down 0, up d to each node that listens.
 * Differences: the paper takes one step in a round, on the complete graph, and continues with the first n - f models; here a
 *   round waits for all of them, and weights of the topology do not count.
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { requirePlainSteps } from "./local-optimizer.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

interface Carry {
  readonly parameters: ParameterTensors;
  readonly momentum: ParameterTensors;
  readonly [name: string]: ParameterTensors;
}

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { monna } from "@anabranch/core";
 * monna.definition.name; // => "monna"
 * ```
 */
export const monna = defineMethod({
  name: "monna",
  options: z.strictObject({
    byzantine: z.int().min(0).default(1).describe("models that a node leaves out, those farthest from its own (f)"),
    momentum: z.number().min(0).lt(1).default(0.9).describe("momentum that nodes keep between rounds (beta)"),
  }),
  symbols: { f: "byzantine", beta: "momentum" },
  build: ({ byzantine, momentum: beta }) =>
    vectors({
      server: { parameters: MODEL },
      client: { momentum: MODEL },
      upload: { delta: uniformMean(MODEL) },
    }).method({
      gossip: { name: "nearest", byzantine },
      local: {
        begin({ broadcast, state }, settings): Carry {
          requirePlainSteps(settings);
          return { parameters: broadcast.parameters, momentum: state.momentum };
        },
        step({ parameters, momentum }, local) {
          const { loss, gradients } = local.gradient(parameters);
          const next = combine((m, g) => add(mul(m, beta), mul(g, 1 - beta)), momentum, gradients);
          const moved = combine((y, m) => sub(y, mul(m, local.learningRate)), parameters, next);
          return { carry: { parameters: moved, momentum: next }, loss };
        },
        end: ({ parameters, momentum }, { broadcast }) => ({
          update: { delta: combine(sub, parameters, broadcast.parameters) },
          state: { momentum },
        }),
      },
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
    }),
});
