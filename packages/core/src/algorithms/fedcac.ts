/**
 * FedCAC: parameters that matter to a client's data are shared with clients of similar data alone, and all others with everyone.
 *
 * Citation: X. Wu, X. Liu, J. Niu, G. Zhu, S. Tang, "Bold but Cautious: Unlocking the Potential of Personalized Federated
 * Learning through Cautiously Aggressive Collaboration", ICCV 2023, arXiv:2309.11103.
 *
 * Update rule:
 *   K times: y <- y - eta * g_i(y) from y = s_i;  w_i = y;  c_i = |(w_i - s_i) w_i|;  M_i: the tau largest of each tensor
 *   O_ij = 1 - |M_i - M_j|_1 / (2 |M_i|_1);  C_i = {i} and all j with O_ij >= mean(O) + t / beta * (max(O) - mean(O))
 *   x <- sum_i p_i w_i;  s_i <- M_i * mean_{C_i} w_j + (1 - M_i) * x
 *
 * Symbols: x -> parameters -> [d]; s_i -> starts -> [clients, d]; tau -> criticalFraction -> []; beta -> beta -> [];
 *   t -> round -> []; p_i -> aggregation.weighting -> [clients]
 * State: server {parameters [d], starts [clients, d]}; client none.
 * Wire: down d, up d.
 * Differences: masks are computed on the server, which has both s_i and w_i, so clients send none. Every client is in
 *   every round; one that fails keeps its start.
 */
import * as z from "zod";
import { mixCritical } from "../aggregation/critical-parameters.ts";
import type { Vector } from "../params/vector.ts";
import type { RoundContext, ServerState } from "./algorithm.ts";
import { STARTS, sgdFromOwnStarts, startOf, startsOf } from "./client-starts.ts";
import { defineMethod } from "./define-method.ts";
import type { MethodBody } from "./method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedcac } from "@anabranch/core";
 * fedcac.definition.name; // => "fedcac"
 * ```
 */
export const fedcac = defineMethod({
  name: "fedcac",
  options: z.strictObject({
    criticalFraction: z.number().min(0).max(1).default(0.5).describe("share of each tensor that is critical (tau)"),
    beta: z.number().positive().default(100).describe("round after which critical parameters are private"),
  }),
  symbols: { tau: "criticalFraction" },
  build({ criticalFraction: fraction, beta }): MethodBody {
    return {
      ...sgdFromOwnStarts(),
      update(state, { delta }, { clients = [], weights = [], round, layout, population }: RoundContext): ServerState {
        const { size } = layout;
        const starts = clients.map((client) => startOf(state, client));
        const trained = starts.map((start, row) => {
          return start.map((value, k) => value + delta![row * size + k]!) as Vector;
        });
        const { parameters: before } = state.vectors;
        const mixed = mixCritical({
          global: before,
          starts,
          trained,
          weights,
          layout,
          fraction,
          beta,
          round: round - 1,
        });
        const next = startsOf(state, population);
        for (const [row, client] of clients.entries()) next.set(mixed.nextStarts[row]!, client * size);
        return { ...state, vectors: { parameters: mixed.global, [STARTS]: next } };
      },
    };
  },
});
