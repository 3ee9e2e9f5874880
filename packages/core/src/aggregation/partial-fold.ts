import { AnabranchError } from "@anabranch/engine";
import { entryView, type Layout, type Vector } from "../params/index.ts";
import { type Fold, type FoldRule, fold } from "./fold.ts";

/** A running aggregate of vectors of which each update holds only some entries. */
export interface PartialFold {
  /** Adds updates in order, as `Fold.addAll`; `parts[k]` says which part update k holds. */
  addAll(
    vectors: readonly Vector[],
    weights: readonly number[],
    factors: readonly number[] | undefined,
    parts: readonly number[],
  ): void;
  /** Writes the aggregate into `out` [d] and returns it; entries to which nothing of positive weight was added become 0. */
  result<V extends Vector>(out: V): V;
  /** Forgets everything that was added; keeps the memory. */
  reset(): void;
}

/**
 * An empty fold of vectors of one layout whose updates hold one of `parts` each: layouts of some of its entries. Every
 * entry has a fold of its own, so a mean divides by the number or the weights of those who sent it. Throws
 * `aggregation/part` where a part has an entry that is not one of `layout`.
 *
 * @example
 * ```ts
 * import { layout, partialFold, subLayout } from "@anabranch/core";
 * const model = layout([
 *   { name: "a", shape: [1], role: "vector", block: "a" },
 *   { name: "b", shape: [1], role: "vector", block: "b" },
 * ]);
 * const sums = partialFold("weightedMean", model, [subLayout(model, ({ name }) => name === "a"), model]);
 * sums.addAll([Float32Array.of(1), Float32Array.of(3, 8)], [1, 1], undefined, [0, 1]);
 * sums.result(new Float64Array(2)); // => [2, 8]
 * ```
 */
export function partialFold(rule: FoldRule, layout: Layout, parts: readonly Layout[]): PartialFold {
  for (const [index, part] of parts.entries()) requirePart(layout, part, index);
  const entries = layout.entries.map((entry) => ({
    entry,
    running: fold(rule, entry.size),
    places: parts.map((part) => part.entries.find(({ name }) => name === entry.name)),
  }));
  return {
    addAll(vectors, weights, factors, held) {
      for (const { running, places } of entries) {
        const senders = vectors.flatMap((vector, k) => {
          const place = places[held[k]!];
          if (place === undefined) return [];
          return [{ values: entryView(vector, place), weight: weights[k]!, factor: factors?.[k] ?? 1 }];
        });
        running.addAll(
          senders.map(({ values }) => values),
          senders.map(({ weight }) => weight),
          senders.map(({ factor }) => factor),
        );
      }
    },
    result(out) {
      for (const { entry, running } of entries) {
        const values = entryView(out, entry);
        if (isEmpty(rule, running)) values.fill(0);
        else running.result(values);
      }
      return out;
    },
    reset() {
      for (const { running } of entries) running.reset();
    },
  };
}

function isEmpty(rule: FoldRule, { count, weightSum }: Fold): boolean {
  return rule === "weightedMean" ? weightSum === 0 : count === 0;
}

function requirePart(layout: Layout, part: Layout, index: number): void {
  const sizes = new Map(layout.entries.map(({ name, size }) => [name, size]));
  const stray = part.entries.find(({ name, size }) => sizes.get(name) !== size);
  if (stray === undefined) return;
  throw new AnabranchError({
    code: "aggregation/part",
    message: "a part holds an entry that the whole does not have",
    where: `part ${index}`,
    received: `${stray.name} of ${stray.size} elements`,
    expected: `some of ${[...sizes].map(([name, size]) => `${name} (${size})`).join(", ")}`,
    advice: "Make the parts of the payloads with subLayout from the layouts of its vectors.",
  });
}
