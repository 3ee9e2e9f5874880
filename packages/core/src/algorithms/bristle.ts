/**
 * Bristle: nodes train an output layer on a frozen body, and combine the layers that they hear class by class, weighted by
 * how well each does on their own test examples.
 *
 * Citation: J. Verbraeken, M. de Vos, J. Pouwelse, "Bristle: Decentralized Federated Learning in Byzantine, Non-i.i.d.
 * Environments", 2021, arXiv:2110.11006.
 *
 * Update rule:
 *   in every round at node i:
 *   y_i <- x_i;  K times: y_i <- y_i - eta * g_i(y_i)
 *   of what it hears it draws round((1 - a)^2 q) layers of the nearest third, round(2 a (1 - a) q) of the middle one and
 *     round(a^2 q) of the farthest;  F1 scores e_c of y_i and e_kc of each y_k, by class c of its hold-out
 *   B_k: the best classes of k, as many as it knows;  D = 10 |e_kc - e_c|;  s_kc = D^(3 + e_c) if e_kc > e_c, else
 *     -D^(4 + e_c);  q_k = max(0, mean - deviation of e_kc over B_k);  u(s) = max(0, 10 / (1 + exp(-s / 100)) - 4)
 *   w_kc = q_k u(max(-100, s_kc)) for c in B_k and 0 for others that i knows; q_k u(sum_c s_kc) for those that it does not
 *   column c of x_i <- (y_ic + sum_k w_kc y_kc) / (1 + sum_k w_kc)
 *
 * Symbols: x_i -> nodes -> [nodes, d]; a -> exploration -> []; q -> peers -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up d to each node that listens, where d is the output layer.
 * Differences: follows the authors' code, but numbers familiar classes as the data do, and draws from thirds, as an
 *   early version did. The classes that a node knows are those of its hold-out, and it announces truly how many they are.
 *   A round waits for all neighbours. The body is what the run begins with: random, or from a file.
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
 * import { bristle } from "@anabranch/core";
 * bristle({ peers: 5 }).gossip; // => { name: "class-weighted", exploration: 0.4, peers: 5 }
 * ```
 */
export const bristle = defineMethod({
  name: "bristle",
  options: z.strictObject({
    exploration: z.number().min(0).max(1).default(0.4).describe("how much a node looks at layers far from its own (a)"),
    peers: z.int().positive().default(10).describe("received layers that a node looks at, about (q)"),
  }),
  symbols: { a: "exploration", q: "peers" },
  build: ({ exploration, peers }) => gossipMethod(localSgd(), { name: "class-weighted", exploration, peers }),
});
