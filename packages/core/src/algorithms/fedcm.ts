/**
 * FedCM: client-level momentum; every local step is pulled towards the last global direction, and clients keep no state.
 *
 * Citation: J. Xu, S. Wang, L. Wang, A. C.-C. Yao, "FedCM: Federated Learning with Client-level Momentum", 2021,
 * arXiv:2106.10874.
 *
 * Update rule:
 *   K times: y <- y - eta * (alpha * g_i(y) + (1 - alpha) * c + wd * y);  D_i = y - x
 *   c <- -Dbar / (K eta);  x <- x + eta_g * Dbar
 *
 * Symbols: x -> parameters -> [d]; c -> direction (gradient-signed) -> [d]; alpha -> gradientShare -> [];
 *   eta_g -> serverLearningRate -> []; K -> mean local steps of the round, weighted as the updates -> []
 * State: server {parameters [d], direction [d]}; client none.
 * Wire: down 2d, up d.
 * Differences: none; c is replaced fully each round (an early script of others moves it by a fifth). c = 0 in the first
 *   round, so its steps are shrunk by alpha, as in the paper. Local momentum is refused: c, drawn out by it, would grow.
 */
import { add, mul, type TensorTree } from "@anabranch/engine";
import * as z from "zod";
import type { ClientHalf, LocalStep, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { requireNoMomentum } from "./local-optimizer.ts";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { meanGradient, stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedcm } from "@anabranch/core";
 * fedcm.definition.name; // => "fedcm"
 * ```
 */
export const fedcm = defineMethod({
  name: "fedcm",
  options: z.strictObject({
    gradientShare: z.number().gt(0).max(1).default(0.1).describe("share of the local gradient in a step (alpha)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { alpha: "gradientShare" },
  build: ({ gradientShare, serverLearningRate }) => clientMomentum(gradientShare, serverLearningRate, (g) => g),
});

/** FedCM with `gradient(g_i(y), y)` in place of g_i(y). */
export function clientMomentum(
  alpha: number,
  serverLearningRate: number,
  gradient: (g: ParameterTensors, y: ParameterTensors, local: Pick<LocalStep, "gradient">) => ParameterTensors,
): MethodBody {
  return vectors({
    server: { parameters: MODEL, direction: MODEL },
    upload: { delta: weightedMean(MODEL) },
  }).method({
    countsSteps: true,
    local: withoutMomentum(
      localSgd({
        direction: (g, y, local) => mixed(gradient(g, y, local), local.broadcast.direction, alpha),
      }),
    ),
    update: ({ parameters }, { delta }, round) => ({
      parameters: stepFrom(parameters, serverLearningRate, delta),
      direction: meanGradient(delta, round),
    }),
  });
}

/** alpha * g + (1 - alpha) * c */
export function mixed(gradients: ParameterTensors, direction: ParameterTensors, alpha: number): ParameterTensors {
  return combine((g, c) => add(mul(g, alpha), mul(c, 1 - alpha)), gradients, direction);
}

/** The client half in runs without local momentum; others are refused (`config/conflict`). */
export function withoutMomentum<B, C, U, K extends TensorTree>(half: ClientHalf<B, C, U, K>): ClientHalf<B, C, U, K> {
  return { ...half, begin: (local, settings) => half.begin(local, requireNoMomentum(settings)) };
}
