/**
 * Adaptive clusters: a tree of clusters grows as training shows who differs; inside a cluster the server may take the
 * shrinking steps of Reptile, so that a few local steps adapt its model to a client.
 *
 * Citation: Y. Yeganeh, A. Farshad, J. Boschmann, R. Gaus, M. Frantzen, N. Navab, "FedAP: Adaptive Personalization in
 * Federated Learning for Non-IID Data", 2022, arXiv:2207.03448.
 *
 * Update rule:
 *   each client: K local steps from the model of its cluster;  D_i = y_K - w_k
 *   in round t >= warmup, every `every` rounds: each cluster with top merge of average linkage on 1 - cos(D_i, D_j) above
 *     `distance`, children of at least `minimumClients`, and pairs inside them 10 % closer than all pairs, becomes two
 *   w_k <- w_k + e_t mean of D_i over the clients of cluster k;  e_t = 1 - 0.9 t / (T - 1), or 1 without Reptile
 *
 * Symbols: w_k -> clusters -> [k, d]; e_t -> step -> []; T -> reptileRounds -> []
 * State: server {parameters [d], clusters [k, d], assignment [n]}; client none.
 * Wire: down d, up d.
 * Differences: a reconstruction from the abstract, which names hierarchical clusters and meta-learning without their rules.
 *   Every client takes part in every round; in rounds in which a client failed no cluster is divided. `parameters` is the
 *   model of the largest cluster.
 */
import * as z from "zod";
import { adaptiveSplit, reptileStep, type SplitRule } from "../clustering/index.ts";
import type { Vector } from "../params/vector.ts";
import { clusteredMethod } from "./clustered-method.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { adaptiveClusters } from "@anabranch/core";
 * adaptiveClusters({ distance: 0.5 }).name; // => "adaptive-clusters"
 * ```
 */
export const adaptiveClusters = defineMethod({
  name: "adaptive-clusters",
  options: z.strictObject({
    warmup: z.int().min(0).default(2).describe("rounds before the first split"),
    every: z.int().positive().default(5).describe("rounds from one split to the next"),
    distance: z.number().min(0).default(0.5).describe("least average cosine distance between the halves of a split"),
    minimumClients: z.int().positive().default(2).describe("fewest clients of a cluster"),
    reptileRounds: z
      .int()
      .min(0)
      .default(0)
      .describe("rounds over which steps fall from 1 to 0.1 (0 = steps of 1) (T)"),
  }),
  symbols: { T: "reptileRounds" },
  build: ({ warmup, every, reptileRounds, ...rule }) =>
    clusteredMethod({
      divide({ round, updates, assignment }) {
        if (round < warmup || (round - warmup) % every !== 0) return { assignment };
        return { assignment: divided(updates, assignment, rule) };
      },
      step: (round) => (reptileRounds === 0 ? 1 : reptileStep(round, reptileRounds)),
    }),
});

/** Each cluster tries one split; the second child gets a label of its own. */
function divided(updates: readonly Vector[], assignment: readonly number[], rule: SplitRule): number[] {
  const labels = [...assignment];
  let next = Math.max(...assignment) + 1;
  for (const cluster of new Set(assignment)) {
    const members = assignment.flatMap((label, client) => (label === cluster ? [client] : []));
    const split = adaptiveSplit(
      members.map((client) => updates[client]!),
      rule,
    );
    if (split?.accepted !== true) continue;
    for (const place of split.children[1]) labels[members[place]!] = next;
    next++;
  }
  return labels;
}
