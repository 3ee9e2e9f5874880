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
import type { Algorithm, ClientResult, LocalEnd, ParameterTensors } from "./algorithm.ts";
import { modelBlocks } from "./blocks.ts";
import { controlChange, controlled } from "./control-variates.ts";
import { fedbcgdOptions } from "./fedbcgd.ts";
import { localSgd } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";
import { heavyBall, stepFrom, zeros } from "./server.ts";

export const fedbcgdPlusOptions = z.strictObject({
  ...fedbcgdOptions.shape,
  controlForm: z
    .enum(["mask", "ema"])
    .default("mask")
    .describe("where client controls change: only where they are sent (mask), or everywhere as in released code (ema)"),
  controlRate: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('step of the server control with "ema" after the first round (p); unset: cohort / clients'),
});

export function fedbcgdPlus(options: z.input<typeof fedbcgdPlusOptions> = {}): Algorithm {
  const settings = fedbcgdPlusOptions.parse(options);
  const masked = settings.controlForm === "mask";
  return {
    name: "fedbcgd+",
    options: settings,
    exchange: (model) => ({
      down: { parameters: model, control: model },
      up: {
        delta: { layout: model, aggregation: "weightedMean" },
        control: { layout: model, aggregation: masked ? "sum" : "uniformMean" },
      },
      client: { control: model },
      parts: modelBlocks(model, settings.blocks, "fedbcgd+").map((block) => ({ delta: block, control: block })),
    }),
    init: (parameters) => ({
      vectors: { parameters, momentum: zeros(parameters), control: zeros(parameters) },
      scalars: { updates: 0 },
    }),
    client: localSgd({ direction: controlled, result: masked ? maskResult : emaResult }),
    broadcast: (state) => ({ parameters: state.vectors.parameters, control: state.vectors["control"]! }),
    update(state, aggregate, { cohortSize, population }) {
      const updates = state.scalars["updates"]!;
      const rate = updates === 0 ? 1 : (settings.controlRate ?? cohortSize / population);
      const step = masked ? 1 / population : rate;
      return {
        scalars: { updates: updates + 1 },
        vectors: {
          ...heavyBall(state, aggregate["delta"]!, settings.serverMomentum, 1),
          control: stepFrom(state.vectors["control"]!, step, aggregate["control"]!),
        },
      };
    },
  };
}

/** c_i changes by n_i - c_i where it is sent and stays elsewhere. */
function maskResult(y: ParameterTensors, local: LocalEnd): ClientResult {
  const { delta, change } = controlChange(y, local);
  const kept = combine(
    (ci, dc, sent) => add(ci, mul(dc, sent)),
    local.state["control"]!,
    change,
    local.sent!["control"]!,
  );
  return { update: { delta, control: change }, state: { control: kept } };
}

/** c_i becomes n_i everywhere; n_i - c is uploaded. */
function emaResult(y: ParameterTensors, local: LocalEnd): ClientResult {
  const { delta, change } = controlChange(y, local);
  const next = combine(add, local.state["control"]!, change);
  return { update: { delta, control: combine(sub, next, local.broadcast["control"]!) }, state: { control: next } };
}
