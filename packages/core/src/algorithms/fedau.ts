/**
 * FedAU: clients scale their updates by an online estimate of how rarely they take part, which removes the bias of FedAvg
 * under unknown, unequal participation.
 *
 * Citation: S. Wang, M. Ji, "A Lightweight Method for Tackling Unknown Participation Statistics in Federated Averaging",
 * ICLR 2024, arXiv:2306.03401 (Algorithms 1 and 2).
 *
 * Update rule:
 *   client i of the cohort sends omega_i * D_i, with D_i as in FedAvg and omega_i from before this round
 *   omega_i is the mean length of the client's intervals so far, 1 while it has none; an interval ends with a round in which
 *   the client takes part, or after P rounds
 *   x <- x + eta_g * (1 / M) * sum_i omega_i D_i
 *
 * Symbols: x -> parameters -> [d]; omega -> mean interval -> []; P -> cutoff -> []; M -> population -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client {participation: intervals, interval mean, last round, three scalars}.
 * Wire: down d + 1, up d.
 * Differences: the released code steps the counters of absent clients every round; here a client computes at its next visit
 *   what they would be, from the round number, so that absent clients do nothing. Updates are weighted by omega alone:
 *   aggregation.weighting has no effect. P is the paper's K.
 */
import { add, cast, div, equal, mul, sub, type Tensor, where } from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, SCALAR, sum } from "./shapes.ts";

/** Entries of a client's state: intervals seen, their mean and the last round it took part in; zeros at first. */
export const PARTICIPATION = layout(
  ["intervals", "last", "mean"].map((name) => ({ name, shape: [], role: "vector", block: name })),
);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedau } from "@anabranch/core";
 * fedau.definition.name; // => "fedau"
 * ```
 */
export const fedau = defineMethod({
  name: "fedau",
  options: z.strictObject({
    cutoff: z
      .int()
      .positive()
      .optional()
      .describe(
        "longest interval that counts as one (P); more lowers the bias and raises the variance; unset: no limit",
      ),
    serverLearningRate: z.number().positive().default(1).describe("server step on the sum of updates over all clients"),
  }),
  symbols: { P: "cutoff" },
  build: ({ cutoff, serverLearningRate }) =>
    vectors({
      server: { parameters: MODEL },
      client: { participation: ownLayout(PARTICIPATION) },
      upload: { delta: sum(MODEL) },
      computed: { round: SCALAR },
    }).method({
      compute: (_server, { round }) => ({ round }),
      local: localSgd({
        result(y, local) {
          const { round } = local.broadcast;
          const { intervals, mean, missed, weight } = intervalsBefore(round, local.state.participation, cutoff);
          const total = add(mul(intervals, mean), add(missed, 1));
          const next = add(intervals, 1);
          return {
            update: { delta: combine((delta) => mul(delta, weight), modelDelta(y, local)) },
            state: { participation: { intervals: next, mean: div(total, next), last: round } },
          };
        },
      }),
      update: ({ parameters }, { delta }, { population }) => ({
        parameters: stepFrom(parameters, serverLearningRate / population, delta),
      }),
    }),
});

/** Number and mean of a client's intervals before a round, those cut off since its last one included, and rounds missed since. */
export function intervalsBefore(
  round: Tensor,
  participation: ParameterTensors,
  cutoff: number | undefined,
): { readonly intervals: Tensor; readonly mean: Tensor; readonly missed: Tensor; readonly weight: Tensor } {
  const entry = (name: string) => participation[name]!;
  const [seen, mean, last] = [entry("intervals"), entry("mean"), entry("last")];
  const missed = sub(sub(round, last), 1);
  const pieces = cutoff === undefined ? mul(missed, 0) : cast(cast(div(missed, cutoff), "int32"), "float");
  const length = cutoff ?? 0;
  const intervals = add(seen, pieces);
  const known = where(equal(intervals, 0), 1, intervals);
  const after = div(add(mul(seen, mean), mul(pieces, length)), known);
  return {
    intervals,
    mean: after,
    missed: sub(missed, mul(pieces, length)),
    weight: where(equal(intervals, 0), 1, after), // before the first interval every client counts as always present
  };
}
