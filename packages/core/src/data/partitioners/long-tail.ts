import { deriveKey, randomStream } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import { shuffledRowsByClass } from "./dealing.ts";
import { iid } from "./iid.ts";
import { type LongTailForm, longTailSizes } from "./long-tail-sizes.ts";

export interface LongTailOptions {
  /** Size of the last class over that of the first, in (0, 1]. Many papers quote the inverse (10, 50, 100). */
  readonly imbalance: number;
  /** Default "exp". */
  readonly form?: LongTailForm;
}

/**
 * Class imbalance of the whole federation, then a split of what is kept: of class c of C, the first
 * floor(m * imbalance^(c / (C - 1))) examples in random order stay, with m the size of the largest class (fewer where
 * the class has fewer). In the form "step" the first half of the classes is whole, and m * imbalance examples of each of
 * the others stay. The other examples are unused.
 *
 * Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR
 * 2019, arXiv 1901.05555 (long-tailed CIFAR).
 *
 * @param inner how the kept examples are dealt out; IID by default
 * @example
 * ```ts
 * import { longTail, rootKey } from "@anabranch/core";
 * const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 2);
 * const { clients } = longTail({ imbalance: 0.1 }).partition(labels, { key: rootKey(1), classes: 2, clients: 1 });
 * clients[0]!.length; // => 55
 * ```
 */
export function longTail(options: LongTailOptions, inner: Partitioner = iid()): Partitioner {
  return {
    name: "long-tail",
    partition(labels, context) {
      const byClass = shuffledRowsByClass(labels, context.classes, randomStream(deriveKey(context.key, "long-tail")));
      const largest = byClass.reduce((most, rows) => Math.max(most, rows.length), 0);
      const sizes = longTailSizes(context.classes, largest, options.imbalance, options.form);
      const kept = byClass.flatMap((rows, label) => [...rows.subarray(0, Math.min(rows.length, sizes[label]!))]);
      const { groups } = context;
      const partition = inner.partition(
        Int32Array.from(kept, (row) => labels[row]!),
        { ...context, ...(groups && { groups: Int32Array.from(kept, (row) => groups[row]!) }) },
      );
      return { clients: partition.clients.map((places) => places.map((place) => kept[place]!)) };
    },
  };
}
