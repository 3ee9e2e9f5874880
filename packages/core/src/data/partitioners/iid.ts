import { permutation, randomStream } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { checkEnough, cutEvenly } from "./dealing.ts";

/** Shuffles all examples and cuts them into parts whose sizes differ by at most one. Every example is used once. */
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
