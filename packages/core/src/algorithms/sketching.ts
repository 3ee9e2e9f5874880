/**
 * Sketching for first-order methods (FSFOM): clients send a linear sketch of their update, to which they may add noise step
 * by step. The server moves by the mean of the transposed sketches.
 *
 * Citation: Z. Song, Y. Wang, Z. Yu, L. Zhang, "Sketching for First Order Method: Efficient Algorithm for Low-Bandwidth
 * Channel and Vulnerability", ICML 2023, arXiv:2210.08371 (Algorithm 1, and 3 with noise).
 *
 * Update rule:
 *   K times: y <- y - eta * (clip(g_i(y), C) + sigma * z), z ~ N(0, I);  s_i = R (y - x)
 *   x <- x + eta_g * R^T mean_i s_i, R anew in every round
 *
 * Symbols: x -> parameters -> [d]; eta_g -> serverLearningRate -> []; b / d -> size -> []; C -> clipNorm -> [];
 *   sigma -> gradientNoise -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up size * d and a key; [compression] up replaces the sketch.
 * Differences: the server adds up R^T s_i, which is the same but for rounding; under secure aggregation it adds up the
 *   sketches. A chain with another operator after the sketch (count-sketch, qsgd) has a table for each client. x goes down,
 *   not the mean sketch: clients that missed a round could not follow sketches. The gradient of a mini-batch is clipped as a
 *   whole, so that examples are clipped one by one only with training.batchSize = 1. sigma is the deviation itself, not a
 *   multiple of C. Keys of the noise come from the server, so it hides updates from those who see models, not from the
 *   server; no epsilon is reported.
 */
import { add, div, globalNorm, greater, mul, where } from "@anabranch/engine";
import * as z from "zod";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { type Broadcast, localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { sketching } from "@anabranch/core";
 * sketching.definition.name; // => "sketching"
 * ```
 */
export const sketching = defineMethod({
  name: "sketching",
  options: z.strictObject({
    family: z.enum(["count-sketch", "srht"]).default("count-sketch").describe("kind of the sketch (R)"),
    size: z.number().positive().max(1).default(0.1).describe("numbers of the sketch as a share of the parameters"),
    serverLearningRate: z.number().positive().default(0.1).describe("server step (eta_g), about the size"),
    clipNorm: z.number().min(0).default(0).describe("bound on the norm of a local gradient (C); 0: none"),
    gradientNoise: z.number().min(0).default(0).describe("deviation of the noise on every local gradient (sigma)"),
  }),
  symbols: { eta_g: "serverLearningRate", C: "clipNorm", sigma: "gradientNoise" },
  build({ family, size, serverLearningRate, clipNorm, gradientNoise }) {
    const clip = (gradients: ParameterTensors) => (clipNorm === 0 ? gradients : clipped(gradients, clipNorm));
    const quiet = localSgd<Broadcast>({ direction: clip });
    const noisy = localSgd<Broadcast>({
      direction: (gradients, _parameters, { draws }) =>
        combine((g, noise) => add(g, mul(noise, gradientNoise)), clip(gradients), draws.normal("noise")),
    });
    return vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
      defaultCompression: { up: [`${family} size=${size}`] },
      local: gradientNoise === 0 ? quiet : { ...noisy, draws: { noise: { kind: "normal" } } },
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, serverLearningRate, delta) }),
    });
  },
});

/** min(1, C / |g|) g, exactly. */
function clipped(gradients: ParameterTensors, bound: number): ParameterTensors {
  const norm = globalNorm(gradients);
  const factor = where(greater(norm, bound), div(bound, norm), 1);
  return combine((g) => mul(g, factor), gradients);
}
