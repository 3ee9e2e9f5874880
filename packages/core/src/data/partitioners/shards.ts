import { permutation, randomStream } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { checkEnough, cutEvenly, shuffledRowsByClass } from "./dealing.ts";

/**
 * The pathological split: examples sorted by label are cut into clients * classesPerClient shards of equal size, and
 * every client gets classesPerClient random shards. A shard may straddle two classes where class sizes are no multiple
 * of the shard size; then a client sees more classes than named, at most twice as many while shards are smaller than
 * classes. Every example is used once.
 *
 * H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", AISTATS 2017, arXiv 1602.05629, section 3.
 *
 * @example
 * ```ts
 * import { rootKey, shards } from "@anabranch/core";
 * const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
 * const scheme = shards({ classesPerClient: 2 });
 * const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
 * new Set([...clients[0]!].map((row) => labels[row])).size; // => 2
 * ```
 */
export function shards(options: { readonly classesPerClient: number }): Partitioner {
  const { classesPerClient } = options;
  return {
    name: "shards",
    partition(labels, { key, classes, clients }) {
      checkEnough("shards", labels.length, clients, classesPerClient);
      const stream = randomStream(key);
      const sorted = new Int32Array(labels.length);
      let filled = 0;
      for (const rows of shuffledRowsByClass(labels, classes, stream)) {
        sorted.set(rows, filled);
        filled += rows.length;
      }
      const cut = cutEvenly(sorted, clients * classesPerClient);
      const order = permutation(stream, cut.length);
      return {
        clients: Array.from({ length: clients }, (_, client) => {
          const mine = order.subarray(client * classesPerClient, (client + 1) * classesPerClient);
          return Int32Array.from(Array.from(mine).flatMap((shard) => [...cut[shard]!]));
        }),
      };
    },
  };
}
