import { type RandomStream, randomStream, shuffle, symmetricDirichlet } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { checkEnough, shuffledRowsByClass } from "./dealing.ts";

/**
 * Dirichlet label skew with equal client sizes, the recipe of the reference experiments of FedNSAM, FedAdamW, FedMuon
 * and FedPAC: every client draws its label shares p ~ Dirichlet(alpha * 1), then n = floor(examples / clients) labels
 * from p, and for each label takes the next example of that class's shuffled pool. An exhausted pool is shuffled anew
 * and used again, so some examples occur more than once and some never.
 *
 * The idea of a label prior for each client is that of T.-M. H. Hsu, H. Qi, M. Brown, "Measuring the Effects of
 * Non-Identical Data Distribution for Federated Visual Classification", 2019, arXiv 1909.06335, who draw without
 * replacement instead.
 *
 * @example
 * ```ts
 * import { dirichletEqualSize, rootKey } from "@anabranch/core";
 * const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
 * const scheme = dirichletEqualSize({ alpha: 0.3 });
 * const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
 * clients.map((rows) => rows.length); // => [20, 20, 20, 20, 20]
 * ```
 */
export function dirichletEqualSize(options: { readonly alpha: number }): Partitioner {
  return {
    name: "dirichlet",
    partition(labels, { key, classes, clients }) {
      checkEnough("dirichlet", labels.length, clients);
      const stream = randomStream(key);
      const pools = shuffledRowsByClass(labels, classes, stream)
        .filter((rows) => rows.length > 0)
        .map((rows) => endlessPool(rows, stream));
      const size = Math.floor(labels.length / clients);
      return {
        clients: Array.from({ length: clients }, () => {
          const shares = symmetricDirichlet(stream, options.alpha, pools.length);
          return Int32Array.from({ length: size }, () => pools[drawIndex(stream, shares)]!());
        }),
      };
    },
  };
}

/** Takes one row after the other; starts over in a new order when all are taken. */
function endlessPool(rows: Int32Array, stream: RandomStream): () => number {
  let next = 0;
  return () => {
    if (next === rows.length) {
      shuffle(stream, rows);
      next = 0;
    }
    return rows[next++]!;
  };
}

function drawIndex(stream: RandomStream, shares: Float64Array): number {
  let left = stream.float();
  for (let i = 0; i < shares.length - 1; i++) {
    left -= shares[i]!;
    if (left < 0) return i;
  }
  return shares.length - 1;
}
