import { permutation, randomStream, symmetricDirichlet } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { checkEnough, cutByShares } from "./dealing.ts";

/**
 * Unequal amounts of IID data: client sizes are proportional to a draw from Dirichlet(alpha * 1). Every client first
 * gets one example, the rest are dealt by share, so no draw has to be repeated however small alpha is. Every example is
 * used once.
 *
 * The distribution of sizes is the "quantity skew" of Q. Li, Y. Diao, Q. Chen, B. He, "Federated Learning on Non-IID
 * Data Silos: An Experimental Study", ICDE 2022, arXiv 2102.02079, section 4.3.
 *
 * @example
 * ```ts
 * import { quantitySkew, rootKey } from "@anabranch/core";
 * const labels = new Uint8Array(100);
 * const { clients } = quantitySkew({ alpha: 1 }).partition(labels, { key: rootKey(1), classes: 1, clients: 4 });
 * clients.reduce((total, rows) => total + rows.length, 0); // => 100
 * ```
 */
export function quantitySkew(options: { readonly alpha: number }): Partitioner {
  return {
    name: "quantity-skew",
    reads: "nothing",
    partition(labels, { key, clients }) {
      checkEnough("quantity-skew", labels.length, clients);
      const stream = randomStream(key);
      const rows = permutation(stream, labels.length);
      const sizes = cutByShares(labels.length - clients, symmetricDirichlet(stream, options.alpha, clients));
      let start = 0;
      return {
        clients: Array.from(sizes, (size) => {
          const end = start + size + 1;
          const held = rows.slice(start, end);
          start = end;
          return held;
        }),
      };
    },
  };
}
