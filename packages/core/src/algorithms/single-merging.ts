/**
 * Single merging: nodes hardly communicate, and after the last round all of them take the mean of all models once.
 *
 * Citation: T. Zhu, T. Zhang, M. Wang, Z. Zhou, C. Wang, "On the Surprising Effectiveness of a Single Global Merging in
 * Decentralized Learning", ICLR 2026, arXiv:2507.06542.
 *
 * Update rule:
 *   in every round at node i:
 *   y_i <- x_i;  K times: y_i <- y_i - eta * g_i(y_i)
 *   x_i <- sum_j W_ij y_j;  after the last round: x_i <- mean_j x_j
 *
 * Symbols: x_i -> nodes -> [nodes, d]; W -> topology -> [nodes, nodes]; R -> topology.probability -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up d to each node that listens, R d for each node in the paper's topology; 2 d for each at the end.
 * Differences: the mean of all models is evaluated after every round, whether it is applied or not; topology.averageFrom and
 *   averageTo give the paper's windows of full averaging. The last round does not mix before it merges.
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
 * import { singleMerging } from "@anabranch/core";
 * singleMerging.definition.name; // => "single-merging"
 * ```
 */
export const singleMerging = defineMethod({
  name: "single-merging",
  options: z.strictObject({}),
  build: () => gossipMethod(localSgd(), { name: "mean", steps: 1, merges: true }),
});
