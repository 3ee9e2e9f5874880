/**
 * DFedAvg and DFedAvgM: federated averaging without a server: several local steps, then one averaging with neighbours.
 *
 * Citation: T. Sun, D. Li, B. Wang, "Decentralized Federated Averaging", TPAMI 2022, arXiv:2104.11375.
 *
 * Update rule:
 *   in every round at node i with neighbours j:
 *   y <- x_i;  K times: y <- y - eta * g_i(y) + theta * (y - y before)
 *   x_i <- sum_j W_ij y_j
 *   quantised: x_i <- x_i + sum_j W_ij Q(y_j - x_j)
 *
 * Symbols: x_i -> nodes -> [nodes, d]; W -> topology -> [nodes, nodes]; theta -> training.momentum -> [];
 *   Q -> gossipSteps -> []; s -> quantiserStep -> []; b -> quantiserBits -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up d to each node that listens; quantised: b / 32 of it.
 * Differences: quantising rounds to the nearest multiple, where the paper also has a random form. Without [topology] a run
 *   is refused; in a trace it averages over all clients.
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
 * import { dfedavg } from "@anabranch/core";
 * dfedavg.definition.name; // => "dfedavg"
 * ```
 */
export const dfedavg = defineMethod({
  name: "dfedavg",
  options: z.strictObject({
    gossipSteps: z.int().positive().default(1).describe("times that neighbours average in a round (Q)"),
    quantiserBits: z.int().min(0).max(32).default(0).describe("bits of each sent number (0 = not quantised)"),
    quantiserStep: z.number().positive().default(0.001).describe("distance of the numbers that can be sent"),
  }),
  symbols: { Q: "gossipSteps", b: "quantiserBits", s: "quantiserStep" },
  build: ({ gossipSteps, quantiserBits: bits, quantiserStep: step }) =>
    gossipMethod(localSgd(), bits === 0 ? { name: "mean", steps: gossipSteps } : { name: "quantised", step, bits }),
});
