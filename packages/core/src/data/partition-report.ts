import { jensenShannon } from "./divergence.ts";
import { effectiveNumber } from "./statistics.ts";

/** How unequal the clients of a partition are. */
export interface PartitionReport {
  /** Examples of each client. */
  readonly sizes: readonly number[];
  /** exp(entropy of the label shares) of each client; 0 for a client without data. */
  readonly effectiveClasses: readonly number[];
  /** Jensen-Shannon divergence of the label shares, in bits, mean over pairs of clients that have data. */
  readonly meanJs: number;
  /** Gini coefficient of the sizes: 0 where all are equal. */
  readonly gini: number;
}

/**
 * What a table of examples by client and class shows. Time grows with the square of the number of clients.
 *
 * @param histograms [clients][classes]
 * @example
 * ```ts
 * import { partitionReport } from "@anabranch/core";
 * const { meanJs, gini } = partitionReport([[4, 0], [0, 12]]);
 * meanJs; // => 1
 * gini; // => 0.25
 * ```
 */
export function partitionReport(histograms: readonly (readonly number[])[]): PartitionReport {
  const sizes = histograms.map((counts) => counts.reduce((a, b) => a + b, 0));
  return {
    sizes,
    effectiveClasses: histograms.map(effectiveNumber),
    meanJs: meanDivergence(histograms),
    gini: gini(sizes),
  };
}

/**
 * Mean over pairs of histograms that are not empty; 0 where there is no pair.
 *
 * @example
 * ```ts
 * import { meanDivergence } from "@anabranch/core";
 * meanDivergence([[4, 0], [0, 4]]); // => 1
 * ```
 */
export function meanDivergence(histograms: readonly (readonly number[])[]): number {
  const shares = histograms.flatMap((counts) => {
    const total = counts.reduce((a, b) => a + b, 0);
    return total === 0 ? [] : [counts.map((count) => count / total)];
  });
  let sum = 0;
  for (const [i, p] of shares.entries()) for (const q of shares.slice(i + 1)) sum += jensenShannon(p, q);
  const pairs = (shares.length * (shares.length - 1)) / 2;
  return pairs === 0 ? 0 : sum / pairs;
}

/**
 * sum_ij |x_i - x_j| / (2 n^2 mean), from the sorted values; 0 where all are 0.
 *
 * C. Gini, "Variabilita e mutabilita", 1912.
 *
 * @example
 * ```ts
 * import { gini } from "@anabranch/core";
 * gini([0, 0, 0, 4]); // => 0.75
 * ```
 */
export function gini(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const total = sorted.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  const n = sorted.length;
  return sorted.reduce((sum, value, i) => sum + (2 * (i + 1) - n - 1) * value, 0) / (n * total);
}
