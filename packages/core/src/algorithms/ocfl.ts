/**
 * OCFL: clients are clustered once, in the first round in which their updates disagree more than in the round before;
 * from then on every cluster is a federation of its own.
 *
 * Citation: M. Zuziak, R. Pellungrini, S. Rinzivillo, "One-Shot Clustering for Federated Learning", IEEE BigData 2024,
 * arXiv:2503.04231.
 *
 * Update rule:
 *   each client: K local steps from the model of its cluster;  D_i = y_K - w_k
 *   until it has fired: D_ij = 1 - cos(D_i, D_j);  T = |D|_F / sqrt(4 n (n - 1))
 *     T above T of the round before: average linkage on D, cut to `clusters`; each takes the model of the one cluster
 *   w_k <- w_k + mean of D_i over the clients of cluster k
 *
 * Symbols: w_k -> clusters -> [k, d]; T -> temperature -> []; k -> clusters -> []
 * State: server {parameters [d], clusters [k, d], assignment [n], temperature [], fired []}; client none.
 * Wire: down d, up d.
 * Differences: clusters are found by average linkage to a given number, where the paper compares several algorithms; every
 *   client takes part in every round. Rounds in which a client failed do not count for T. `parameters` is the model of the
 *   largest cluster.
 */
import * as z from "zod";
import { oneShotClusters } from "../clustering/index.ts";
import { clusteredMethod } from "./clustered-method.ts";
import { defineMethod } from "./define-method.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { ocfl } from "@anabranch/core";
 * ocfl({ clusters: 3 }).wholePopulation; // => true
 * ```
 */
export const ocfl = defineMethod({
  name: "ocfl",
  options: z.strictObject({
    clusters: z.int().positive().default(2).describe("number of clusters (k)"),
  }),
  symbols: { k: "clusters" },
  build: ({ clusters }) =>
    clusteredMethod(
      {
        divide({ updates, assignment, scalars: { temperature: last, fired = 0 } }) {
          if (fired > 0) return { assignment };
          const { temperature, assignment: found } = oneShotClusters(updates, last, clusters);
          return { assignment: found ?? assignment, scalars: { temperature, fired: found === undefined ? 0 : 1 } };
        },
        step: () => 1,
      },
      clusters,
    ),
});
