/**
 * PartialFed: clients train and send whole models, and load a part of the layers from the global one; the others continue from
 * their own last training. Which layers these are may differ from client to client.
 *
 * Citation: B. Sun, H. Huo, Y. Yang, B. Bai, "PartialFed: Cross-Domain Personalized Federated Learning via Partial
 * Initialization", NeurIPS 2021; K. Pillutla, K. Malik, A. Mohamed, M. Rabbat, M. Sanjabi, L. Xiao, "Federated Learning
 * with Partial Model Personalization", ICML 2022, arXiv:2204.03809.
 *
 * Update rule:
 *   s_i = A_i x + (1 - A_i) w_i, A_i: 1 in the layers that client i loads;  s_i = x before its first visit
 *   K times: y <- y - eta * g_i(y) from y = s_i;  w_i <- y
 *   x <- sum_i p_i w_i
 *
 * Symbols: x -> parameters -> [d]; w_i -> starts -> [clients, d]; 1 - A_i -> keeps -> []; p_i -> aggregation.weighting
 *   -> [clients]
 * State: server {parameters [d], starts [clients, d]}; client none.
 * Wire: down d, up d.
 * Differences: this is PartialFed-Fix, whose layers are given and not learned. The server keeps the last model of each
 *   client, which it has been sent, and sends the mixed start. A client's model in use is that start. A reconstruction from
 *   the abstract and summaries: the paper's selections are not built in.
 */
import * as z from "zod";
import type { Layout } from "../params/layout.ts";
import { selectEntries } from "../params/standing.ts";
import { copy, type Vector, zerosLike } from "../params/vector.ts";
import type { RoundContext, ServerState } from "./algorithm.ts";
import { STARTS, sgdFromOwnStarts, startsOf } from "./client-starts.ts";
import { defineMethod } from "./define-method.ts";
import type { MethodBody } from "./method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { partialfed } from "@anabranch/core";
 * partialfed({ keeps: [["head"], []] }).options; // => { keeps: [["head"], []] }
 * ```
 */
export const partialfed = defineMethod({
  name: "partialfed",
  options: z.strictObject({
    keeps: z
      .array(z.array(z.string().min(1)))
      .min(1)
      .default([["head"]])
      .describe(
        "layers that clients keep, as selectors: a list for each client in turn, from the start again after the last",
      ),
  }),
  build({ keeps }): MethodBody {
    const { wholePopulation: _all, ...body } = sgdFromOwnStarts();
    return {
      ...body,
      payloads(model) {
        for (const layers of keeps) selectEntries(model, layers, WHERE);
        return body.payloads(model);
      },
      update(state, { delta }, { clients = [], weights = [], layout, population }: RoundContext): ServerState {
        const { size } = layout;
        const { parameters: before } = state.vectors;
        const starts = startsOf(state, population);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const moved = new Float64Array(size);
        for (const [row, client] of clients.entries()) {
          const start = starts.subarray(client * size, (client + 1) * size);
          for (let k = 0; k < size; k++) {
            const change = delta![row * size + k]!;
            moved[k]! += weights[row]! * (start[k]! - before[k]! + change);
            start[k]! += change;
          }
        }
        const parameters = before.map((value, k) => value + moved[k]! / total) as Vector;
        const visited = visitsOf(state, population);
        for (const client of clients) visited[client] = 1;
        for (let client = 0; client < population; client++)
          load(starts, client, parameters, layout, visited[client] === 1 ? keeps[client % keeps.length]! : []);
        return { ...state, vectors: { parameters, [STARTS]: starts, [VISITED]: visited } };
      },
    };
  },
});

const WHERE = "algorithm.keeps";
/** Name of the server's vector that says who has trained. */
const VISITED = "visited";

function visitsOf({ vectors }: ServerState, population: number): Vector {
  const visited = vectors[VISITED];
  return visited === undefined ? zerosLike(vectors.parameters, population) : copy(visited);
}

/** Puts the global model in the place of what a client starts from, but for the layers that it keeps. */
function load(starts: Vector, client: number, parameters: Vector, model: Layout, keeps: readonly string[]): void {
  const kept = selectEntries(model, keeps, WHERE);
  for (const { name, offset, size } of model.entries) {
    if (!kept.has(name)) starts.set(parameters.subarray(offset, offset + size), client * model.size + offset);
  }
}
