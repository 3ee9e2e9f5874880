import { permutation, randomStream } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { checkEnough, cutEvenly } from "./dealing.ts";

/**
 * Shuffles all examples and cuts them into parts whose sizes differ by at most one. Every example is used once.
 *
 * @example
 * ```ts
 * import { iid, rootKey } from "@anabranch/core";
 * const { clients } = iid().partition(Uint8Array.of(0, 1, 0, 1), { key: rootKey(1), classes: 2, clients: 2 });
 * clients.map((rows) => rows.length); // => [2, 2]
 * ```
 */
export function iid(): Partitioner {
  return {
    name: "iid",
    reads: "nothing",
    partition(labels, { key, clients }) {
      checkEnough("iid", labels.length, clients);
      return { clients: cutEvenly(permutation(randomStream(key), labels.length), clients) };
    },
  };
}
