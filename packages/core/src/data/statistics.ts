import type { Partition } from "./partition.ts";

/** What a partition looks like: how unequal, and how far from IID. */
export interface PartitionStatistics {
  /** [clients][classes] examples of each class that each client holds. */
  readonly counts: readonly (readonly number[])[];
  readonly sizeMin: number;
  readonly sizeMedian: number;
  readonly sizeMax: number;
  /** Mean over clients of the total-variation distance between the client's label shares and the global ones, 0 to 1. */
  readonly meanLabelDistance: number;
  /** [clients] exp(entropy of the label shares): 1 when all examples have one label; 0 for a client without data. */
  readonly effectiveClasses: readonly number[];
  readonly meanEffectiveClasses: number;
  /** Training examples that no client holds. */
  readonly unused: number;
  /** Places beyond the first in which examples occur: sum over examples of max(0, occurrences - 1). */
  readonly duplicated: number;
}

/**
 * Statistics of a partition of a training set.
 *
 * @param labels [n], one class for each example of the training set
 * @example
 * ```ts
 * import { partitionStatistics } from "@anabranch/core";
 * const partition = { clients: [Int32Array.of(0, 2), Int32Array.of(1, 3)] };
 * const { counts, meanLabelDistance } = partitionStatistics(partition, Uint8Array.of(0, 1, 0, 1), 2);
 * counts; // => [[2, 0], [0, 2]]
 * meanLabelDistance; // => 0.5
 * ```
 */
export function partitionStatistics(
  partition: Partition,
  labels: Int32Array | Uint8Array,
  classes: number,
): PartitionStatistics {
  const global = classCounts(labels, classes);
  const counts = partition.clients.map((rows) =>
    classCounts(
      rows.map((row) => labels[row]!),
      classes,
    ),
  );
  const sizes = partition.clients.map((rows) => rows.length).sort((a, b) => a - b);
  const held = counts.filter((_, client) => partition.clients[client]!.length > 0);
  const effectiveClasses = counts.map(effectiveNumber);
  const occurrences = new Int32Array(labels.length);
  for (const rows of partition.clients) for (const row of rows) occurrences[row]!++;
  return {
    counts,
    sizeMin: sizes[0] ?? 0,
    sizeMedian: median(sizes),
    sizeMax: sizes.at(-1) ?? 0,
    meanLabelDistance: mean(held.map((client) => totalVariation(client, global))),
    effectiveClasses,
    meanEffectiveClasses: mean(effectiveClasses),
    unused: occurrences.reduce((sum, times) => sum + (times === 0 ? 1 : 0), 0),
    duplicated: occurrences.reduce((sum, times) => sum + Math.max(0, times - 1), 0),
  };
}

function classCounts(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  return counts;
}

/** Half the L1 distance between two histograms as shares. */
function totalVariation(a: readonly number[], b: readonly number[]): number {
  const totalA = sum(a);
  const totalB = sum(b);
  return 0.5 * sum(a.map((count, i) => Math.abs(count / totalA - b[i]! / totalB)));
}

/** exp(entropy of the shares): how many classes there are in effect; 0 without examples. */
export function effectiveNumber(counts: readonly number[]): number {
  const total = sum(counts);
  if (total === 0) return 0;
  return Math.exp(-sum(counts.map((count) => (count === 0 ? 0 : (count / total) * Math.log(count / total)))));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

/** Of sorted values. */
function median(sorted: readonly number[]): number {
  const middle = sorted.length >>> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? 0 : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
