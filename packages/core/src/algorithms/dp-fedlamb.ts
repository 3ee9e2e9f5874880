/**
 * DP-FedLAMB: clipped and noised updates drive a LAMB step on the server, whose length is set layer by layer.
 *
 * Citation: M. Pelikan, S. S. Azam, V. Feldman, J. Silovsky, K. Talwar, C. G. Brinton, T. Likhomanenko, "Enabling
 * Differentially Private Federated Learning for Speech Recognition: Benchmarks, Adaptive Optimizers and Gradient
 * Clipping", NeurIPS 2025, arXiv:2310.00098; LAMB: Y. You et al., "Large Batch Optimization for Deep Learning: Training
 * BERT in 76 Minutes", ICLR 2020, arXiv:1904.00962.
 *
 * Update rule:
 *   D_il <- D_il min(1, C_l / |D_il|) in each layer l, sum_l C_l^2 = C^2;  g = -(sum_i D_i + N(0, (z C)^2 I)) / (q M)
 *   m <- b1 * m + (1 - b1) * g;  v <- b2 * v + (1 - b2) * g^2
 *   r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + tau) + lambda * x
 *   x_l <- x_l - eta * (|x_l| / |r_l|) * r_l, with 1 for the ratio where either norm is 0
 *
 * Symbols: x -> parameters -> [d]; m -> firstMoment -> [d]; v -> secondMoment -> [d]; t -> steps -> []; eta ->
 *   serverLearningRate -> []; b1 -> serverBeta1 -> []; b2 -> serverBeta2 -> []; tau -> adaptivity -> []; lambda ->
 *   serverWeightDecay -> []; C -> privacy.clipNorm -> []; C_l -> privacy.clipping -> []; z -> privacy.noiseMultiplier ->
 *   []; q M -> sampler.cohort -> []
 * State: server {parameters [d], firstMoment [d], secondMoment [d], steps}; client none.
 * Wire: down d, up d.
 * Differences: a layer is one tensor, as for the clip. The clip is the run's: privacy.clipping = "per-layer" and
 *   "per-layer-by-size" are the paper's two, and "flat", the default, is allowed. Ratios are not bounded. The paper's local
 *   clip is training.gradientClip; its hyper-parameters were not at hand, and the defaults are LAMB's.
 */
import * as z from "zod";
import { entryView, type Layout } from "../params/layout.ts";
import { norm2, type Vector } from "../params/vector.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combineVectors, zeros } from "./server.ts";
import { MODEL, SCALAR, weightedMean } from "./shapes.ts";

const share = z.number().min(0).lt(1);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dpFedlamb } from "@anabranch/core";
 * dpFedlamb.definition.name; // => "dp-fedlamb"
 * ```
 */
export const dpFedlamb = defineMethod({
  name: "dp-fedlamb",
  options: z.strictObject({
    serverLearningRate: z.number().positive().default(0.01).describe("length of a step over that of the layer (eta)"),
    serverBeta1: share.default(0.9).describe("decay of the first moment (b1)"),
    serverBeta2: share.default(0.999).describe("decay of the second moment (b2)"),
    adaptivity: z.number().positive().default(1e-6).describe("added to the root of the second moment (tau)"),
    serverWeightDecay: z.number().min(0).default(0).describe("pull of each step towards 0 (lambda)"),
    trustRatio: z.boolean().default(true).describe("false: steps as Adam takes them, without a length for each layer"),
    biasCorrection: z.boolean().default(true).describe("false: moments as they are, though they start at 0"),
  }),
  symbols: {
    eta: "serverLearningRate",
    b1: "serverBeta1",
    b2: "serverBeta2",
    tau: "adaptivity",
    lambda: "serverWeightDecay",
  },
  build({ serverLearningRate: eta, serverBeta1: b1, serverBeta2: b2, adaptivity: tau, ...options }) {
    const { serverWeightDecay: lambda, trustRatio, biasCorrection } = options;
    return vectors({
      server: { parameters: MODEL, firstMoment: MODEL, secondMoment: MODEL, steps: SCALAR },
      broadcast: ["parameters"],
      upload: { delta: weightedMean(MODEL) },
    }).method({
      privacy: {},
      local: localSgd(),
      update(server, { delta }, { layout }) {
        const x = server.parameters;
        const steps = server.steps + 1;
        const firstMoment = combineVectors((m, d) => b1 * m - (1 - b1) * d, server.firstMoment, delta);
        const secondMoment = combineVectors((v, d) => b2 * v + (1 - b2) * d * d, server.secondMoment, delta);
        const correction = (beta: number) => (biasCorrection ? 1 - beta ** steps : 1);
        const [first, second] = [correction(b1), correction(b2)];
        const adam = combineVectors((m, v) => m / first / (Math.sqrt(v / second) + tau), firstMoment, secondMoment);
        const direction = combineVectors((r, w) => r + lambda * w, adam, x);
        const step = trustRatio ? asLongAsLayers(direction, x, layout) : direction;
        return { parameters: combineVectors((w, r) => w - eta * r, x, step), firstMoment, secondMoment, steps };
      },
    });
  },
});

/** Every layer of the direction [d] scaled to the norm of the layer of x [d]; as it is where either is 0. */
function asLongAsLayers(direction: Vector, x: Vector, { entries }: Layout): Vector {
  const scaled = zeros(direction);
  for (const entry of entries) {
    const layer = entryView(direction, entry);
    const ratio = norm2(entryView(x, entry)) / norm2(layer);
    const factor = ratio > 0 && ratio < Number.POSITIVE_INFINITY ? ratio : 1;
    entryView(scaled, entry).set(layer.map((r) => r * factor));
  }
  return scaled;
}
