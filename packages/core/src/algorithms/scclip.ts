/**
 * Self-centred clipping: a node clips how far each neighbour is from its own model before it averages, which bounds what
 * a faulty neighbour can do.
 *
 * Citation: L. He, S. P. Karimireddy, M. Jaggi, "Byzantine-Robust Decentralized Learning via ClippedGossip", 2022,
 * arXiv:2202.01545.
 *
 * Update rule:
 *   in every round at node i with neighbours j:
 *   y_i <- x_i;  K times: y_i <- y_i - eta * g_i(y_i)
 *   x_i <- y_i + sum_j W_ij (y_j - y_i) * min(1, tau / |y_j - y_i|)
 *
 * Symbols: x_i -> nodes -> [nodes, d]; W -> topology -> [nodes, nodes]; tau -> radius -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up d to each node that listens.
 * Differences: one radius for all nodes and rounds, where the paper's analysis has one for each. Momentum of the local
 *   steps begins anew in every round.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { gossipMethod } from "./gossip-method.ts";
import { localSgd } from "./local-sgd.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { scclip } from "@anabranch/core";
 * scclip.definition.name; // => "scclip"
 * ```
 */
export const scclip = defineMethod({
  name: "scclip",
  options: z.strictObject({
    radius: z.number().positive().default(2).describe("largest distance at which a neighbour counts in full (tau)"),
  }),
  symbols: { tau: "radius" },
  build: ({ radius }) => gossipMethod(localSgd(), { name: "clipped", radius }),
});
