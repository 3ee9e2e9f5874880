/**
 * FLASC: sparse communication around dense training. Clients start from the largest parameters, train all of them and
 * send their largest changes; the server takes AdamW steps.
 *
 * Citation: K. Kuo, A. Raje, K. Rajesh, V. Smith, "Federated LoRA with Sparse Communication", 2024, arXiv:2406.05233
 * (Algorithm 1); the sparse fine-tuning of R. Vavekanand, K. Sam, "CELLM", 2024, arXiv:2407.20557 is the same.
 *
 * Update rule:
 *   P_m = TopK(P, downDensity);  K times: y <- y - eta * g_i(y) on all entries, from P_m;  D_i = TopK(y - P_m, upDensity)
 *   adamw: P <- (1 - eta_s * wd) * P;  m <- b1 * m + (1 - b1) * D;  v <- b2 * v + (1 - b2) * D^2
 *     P <- P + eta_s * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *   sgd: P <- P + eta_s * D
 *
 * Symbols: P -> parameters -> [d]; m -> firstMoment -> [d]; v -> secondMoment -> [d]; t -> steps -> [];
 *   eta_s -> serverLearningRate -> []; b1 -> serverBeta1 -> []; b2 -> serverBeta2 -> []; eps -> serverEpsilon -> [];
 *   wd -> serverWeightDecay -> []
 * State: server {parameters [d], firstMoment [d], secondMoment [d], steps []}; client none.
 * Wire: down downDensity * d, up upDensity * d, each with positions; [compression] replaces either.
 * Differences: the mean is weighted as aggregation.weighting says (the released code: uniformly); serverWeightDecay is 0 by
 *   default, where the released code has its library's 0.01; what is trained and sent is what [parameters] leaves, so LoRA
 *   is a choice of the model. The head is masked in both directions. No density decay, and no noise of its own.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combineVectors, stepFrom } from "./server.ts";
import { MODEL, SCALAR, weightedMean } from "./shapes.ts";

const density = z.number().positive().max(1).default(0.25);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { flasc } from "@anabranch/core";
 * flasc.definition.name; // => "flasc"
 * ```
 */
export const flasc = defineMethod({
  name: "flasc",
  options: z.strictObject({
    downDensity: density.describe("share of the parameters that goes down"),
    upDensity: density.describe("share of the changes that goes up"),
    serverOptimizer: z.enum(["adamw", "sgd"]).default("adamw").describe("rule of the server's step"),
    serverLearningRate: z.number().positive().default(0.001).describe("server step (eta_s)"),
    serverBeta1: z.number().min(0).lt(1).default(0.9).describe("adamw: decay of the first moment (b1)"),
    serverBeta2: z.number().min(0).lt(1).default(0.999).describe("adamw: decay of the second moment (b2)"),
    serverEpsilon: z.number().positive().default(1e-8).describe("adamw: added to the root of the second moment (eps)"),
    serverWeightDecay: z.number().min(0).default(0).describe("adamw: decoupled decay of the parameters (wd)"),
  }),
  symbols: {
    eta_s: "serverLearningRate",
    b1: "serverBeta1",
    b2: "serverBeta2",
    eps: "serverEpsilon",
    wd: "serverWeightDecay",
  },
  build(options) {
    const { serverLearningRate: eta, serverBeta1: b1, serverBeta2: b2 } = options;
    const { serverEpsilon: epsilon, serverWeightDecay: decay } = options;
    return vectors({
      server: { parameters: MODEL, firstMoment: MODEL, secondMoment: MODEL, steps: SCALAR },
      broadcast: ["parameters"],
      upload: { delta: weightedMean(MODEL) },
    }).method({
      defaultCompression: {
        up: [`top-k density=${options.upDensity}`],
        down: [`top-k density=${options.downDensity}`],
      },
      local: localSgd(),
      update(server, { delta }) {
        if (options.serverOptimizer === "sgd")
          return { ...server, parameters: stepFrom(server.parameters, eta, delta) };
        const steps = server.steps + 1;
        const firstMoment = combineVectors((m, d) => b1 * m + (1 - b1) * d, server.firstMoment, delta);
        const secondMoment = combineVectors((v, d) => b2 * v + (1 - b2) * d * d, server.secondMoment, delta);
        const [first, second] = [1 - b1 ** steps, 1 - b2 ** steps];
        const direction = combineVectors(
          (m, v) => m / first / (Math.sqrt(v / second) + epsilon),
          firstMoment,
          secondMoment,
        );
        const parameters = combineVectors((p, s) => (1 - eta * decay) * p + eta * s, server.parameters, direction);
        return { parameters, firstMoment, secondMoment, steps };
      },
    });
  },
});
