/**
 * FedBCGD+: FedBCGD with control variates against client drift, which are uploaded block by block too.
 *
 * Citation: J. Liu, F. Shang, Y. Liu, H. Liu, Y. Li, Y. Gong, "FedBCGD: Communication-Efficient Accelerated Block
 * Coordinate Gradient Descent for Federated Learning", ACM MM 2024 (doi 10.1145/3664647.3681094), arXiv:2603.05116.
 *
 * Update rule:
 *   K times: y <- y - eta * (g_i(y) - c_i + c + wd * y);  D_i = y - x, of which block j(i) and x_s are sent
 *   n_i = c_i - c + (x - y) / (K eta);  u, v and x as in FedBCGD
 *   "mask": dc_i = n_i - c_i on block j(i) and x_s, 0 elsewhere;  c_i <- c_i + dc_i;  c <- c + (1 / M) * sum_i dc_i
 *   "ema":  c_i <- n_i;  n_i - c is sent on block j(i) and x_s;  c <- c + p * mean of n_i - c over those who sent it
 *           (p = 1 for the first update)
 *
 * Symbols: x -> parameters -> [d]; v -> momentum -> [d]; c -> control -> [d]; c_i -> client control -> [d]; N -> blocks
 *   -> []; beta -> serverMomentum -> []; p -> controlRate -> []; S -> cohort -> []; M -> population -> []
 * State: server {parameters [d], momentum [d], control [d], updates}; client {control [d]}.
 * Wire: down 2d, up 2 ((d - s) / N + s) on average and twice the largest block + s at most.
 * Differences: as FedBCGD. The released code has the form "ema" (p = 0.1 there, its S / M), whose c_i move on
 *   coordinates that the server never hears of, so block sampling keeps disturbing the model. The default "mask" is our
 *   repair and not the paper's: it keeps c = mean_i c_i and reaches the exact optimum. Control variates are gradients
 *   here; the released code keeps them times eta. With local momentum K eta grows as in SCAFFOLD.
 */
import { add, mul, sub } from "@anabranch/engine";
import * as z from "zod";
import { modelBlocks } from "./blocks.ts";
import { controlChange, controlled } from "./control-variates.ts";
import { defineMethod } from "./define-method.ts";
import { fedbcgd } from "./fedbcgd.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { heavyBall, stepFrom } from "./server.ts";
import { MODEL, SCALAR, sum, uniformMean, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedbcgdPlus } from "@anabranch/core";
 * fedbcgdPlus.definition.name; // => "fedbcgd+"
 * ```
 */
export const fedbcgdPlus = defineMethod({
  name: "fedbcgd+",
  file: "fedbcgd-plus.ts",
  options: z.strictObject({
    ...fedbcgd.definition.options.shape,
    controlForm: z
      .enum(["mask", "ema"])
      .default("mask")
      .describe(
        "where client controls change: only where they are sent (mask), or everywhere as in released code (ema)",
      ),
    controlRate: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('step of the server control with "ema" after the first round (p); unset: cohort / clients'),
  }),
  symbols: { N: "blocks", beta: "serverMomentum", p: "controlRate" },
  build({ blocks, serverMomentum, controlForm, controlRate }) {
    const masked = controlForm === "mask";
    return vectors({
      server: { parameters: MODEL, momentum: MODEL, control: MODEL, updates: SCALAR },
      client: { control: MODEL },
      broadcast: ["parameters", "control"],
      upload: { delta: weightedMean(MODEL), control: masked ? sum(MODEL) : uniformMean(MODEL) },
      parts: (model) => modelBlocks(model, blocks, "fedbcgd+").map((block) => ({ delta: block, control: block })),
    }).method({
      local: localSgd({
        direction: controlled,
        result(y, local) {
          const { delta, change } = controlChange(y, local);
          const { state, broadcast, sent } = local;
          if (masked) {
            const kept = combine((ci, dc, s) => add(ci, mul(dc, s)), state.control, change, sent.control);
            return { update: { delta, control: change }, state: { control: kept } };
          }
          const next = combine(add, state.control, change);
          return { update: { delta, control: combine(sub, next, broadcast.control) }, state: { control: next } };
        },
      }),
      update({ control, updates, ...model }, upload, { cohortSize, population }) {
        const rate = updates === 0 ? 1 : (controlRate ?? cohortSize / population);
        return {
          ...heavyBall(model, upload.delta, serverMomentum, 1),
          control: stepFrom(control, masked ? 1 / population : rate, upload.control),
          updates: updates + 1,
        };
      },
    });
  },
});
