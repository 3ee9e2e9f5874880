/**
 * Variance-corrected gossip: nodes take the plain mean of the models that they have, and give each layer the variance back
 * that averaging takes away.
 *
 * Citation: Y. Tian, Z. Al-Ars, M. Kitsak, P. Hofstee, "Vanishing Variance Problem in Fully Decentralized Neural-Network
 * Systems", 2024, arXiv:2404.04616.
 *
 * Update rule:
 *   in every round at node i with its own model and those that it hears, N in all:
 *   y <- x_i;  K times: y <- y - eta * g_i(y)
 *   for each layer: a = mean_j y_j;  x_i <- (a - mean(a)) * sqrt(mean_j var(y_j) / var(a)) + mean(a)
 *
 * Symbols: x_i -> nodes -> [nodes, d]; N -> topology.degree -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up d to each node that listens.
 * Differences: weights of the topology do not count. Layers whose variance is below 1e-12 are averaged as they are. It
 *   matters where nodes start from different models: topology.starts = "own".
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
 * import { vcgossip } from "@anabranch/core";
 * vcgossip.definition.name; // => "vcgossip"
 * ```
 */
export const vcgossip = defineMethod({
  name: "vcgossip",
  options: z.strictObject({}),
  build: () => gossipMethod(localSgd(), { name: "variance-corrected" }),
});
