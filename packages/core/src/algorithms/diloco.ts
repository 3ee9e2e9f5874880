/**
 * DiLoCo: clients take many steps of an adaptive optimizer whose state they keep between rounds; the server takes Nesterov
 * steps on the mean update.
 *
 * Citation: A. Douillard, Q. Feng, A. A. Rusu, R. Chhaparia, Y. Donchev, A. Kuncoro, M. Ranzato, A. Szlam, J. Shen, "DiLoCo:
 * Distributed Low-Communication Training of Language Models", 2023, arXiv:2311.08105 (Algorithm 1).
 *
 * Update rule:
 *   client: y <- X;  H times: y <- y - eta * O(g_i(y));  D_i = y - X;  the state of O stays on the client
 *   u <- mu * u + Dbar;  X <- X + eta_o * (Dbar + mu * u)
 *
 * Symbols: X -> parameters -> [d]; u -> momentum -> [d]; O -> optimizer -> []; H -> training.localSteps -> [];
 *   mu -> serverMomentum -> []; eta_o -> serverLearningRate -> []; b1 -> beta1 -> []; b2 -> beta2 -> []; eps -> epsilon -> []
 * State: server {parameters [d], momentum [d]}; client {optimizer: with AdamW 2d + 2; visited [1]}.
 * Wire: down d, up d.
 * Differences: updates are averaged as aggregation.weighting says (the paper: uniformly). AdamW's options are those of
 *   `local`; the paper's are training.weightDecay = 0.1 and beta2 = 0.95 (released codes). D has the sign of an update here, of
 *   a gradient there. Where only some clients take part, the state of the others waits until their next round.
 */
import * as z from "zod";
import type { ClientHalf, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import {
  type InnerOptimizer,
  type KeptOptimizer,
  keptOptimizer,
  optimizerStep,
  PLAIN_STEPS,
  resumedOptimizer,
  stateLayout,
} from "./kept-optimizer.ts";
import { localOptimizer, optimizerShape, requireFamily } from "./local-optimizer.ts";
import { type Broadcast, modelDelta, type SgdCarry } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { nesterov } from "./server.ts";
import { MODEL, ownLayout, SCALAR, weightedMean } from "./shapes.ts";

const { beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly } = optimizerShape;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { diloco } from "@anabranch/core";
 * diloco.definition.name; // => "diloco"
 * ```
 */
export const diloco = defineMethod({
  name: "diloco",
  options: z
    .strictObject({
      optimizer: z.enum(["adamw", "muon", "sgd"]).default("adamw").describe("inner optimizer (O)"),
      ...{ beta1, beta2, epsilon, momentum, matrixRate, hiddenOnly },
      serverMomentum: z.number().min(0).lt(1).default(0.9).describe("Nesterov momentum of the server (mu)"),
      serverLearningRate: z.number().positive().default(0.7).describe("outer learning rate (eta_o)"),
    })
    .superRefine(requireFamily),
  symbols: { mu: "serverMomentum", b1: "beta1", b2: "beta2", eps: "epsilon" },
  build(options) {
    const inner: InnerOptimizer = (model, run) => localOptimizer(options, model, run);
    return vectors({
      server: { parameters: MODEL, momentum: MODEL },
      client: { optimizer: ownLayout((model) => stateLayout(inner(model, PLAIN_STEPS), model)), visited: SCALAR },
      upload: { delta: weightedMean(MODEL) },
      broadcast: ["parameters"],
    }).method({
      local: persistentClient(inner),
      update: (server, { delta }) => nesterov(server, delta, options.serverMomentum, options.serverLearningRate),
    });
  },
});

type Sent = { readonly delta: ParameterTensors };

/** Local steps of an optimizer that goes on from where the client's last round left it. */
function persistentClient(inner: InnerOptimizer): ClientHalf<Broadcast, KeptOptimizer, Sent, SgdCarry> {
  return {
    begin({ model, broadcast: { parameters }, state }, settings) {
      return { parameters, optimizer: resumedOptimizer(inner(model, settings).init(parameters), state) };
    },
    step: optimizerStep(inner),
    end({ parameters, optimizer }, local) {
      return { update: { delta: modelDelta(parameters, local) }, state: keptOptimizer(optimizer, local.state) };
    },
  };
}
