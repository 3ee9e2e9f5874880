/**
 * Local optimizers: federated averaging whose clients take their local steps with Adam, AdamW, Muon, Sophia, SOAP or
 * Shampoo, started anew every round.
 *
 * Citation: J. Liu, F. Shang, H. Liu, Y. Tian, Y. Liu, J. Liu, K. Zhu, Z. Lin, "FedAdamW: A Communication-Efficient
 * Optimizer with Convergence and Generalization Guarantees for Federated Large Models", AAAI 2026
 * (doi 10.1609/aaai.v40i28.39549), arXiv:2510.27486 (the baselines Local AdamW etc.).
 *
 * Update rule:
 *   state of the optimizer O <- 0;  K times: y <- y - eta * O(g_i(y));  D_i = y - x
 *   x <- x + Dbar
 *
 * Symbols: x -> parameters -> [d]; O -> optimizer -> []; eta -> training.learningRate -> []
 * State: server {parameters [d]}; client none between rounds.
 * Wire: down d, up d.
 * Differences: the server weights updates as the run says (aggregation.weighting), the released scripts uniformly.
 *   training.weightDecay is coupled for sgd and adam, and decoupled for the others.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localCurvature, localOptimizer, optimizerShape, requireFamily } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { optimizerSteps } from "./optimizer-steps.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { local } from "@anabranch/core";
 * local.definition.name; // => "local"
 * ```
 */
export const local = defineMethod({
  name: "local",
  options: z.strictObject(optimizerShape).superRefine(requireFamily),
  build: (options) =>
    vectors({
      server: { parameters: MODEL },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      local: optimizerSteps({
        optimizer: (model, run) => localOptimizer(options, model, run),
        curvature: localCurvature(options),
        result: (y, _preconditioner, end) => ({ update: { delta: modelDelta(y, end) }, state: {} }),
      }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
    }),
});
