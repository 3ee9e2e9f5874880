import { assign } from "../clustering/index.ts";

/**
 * Soft assignments of rows to clusters that are balanced: exp(score / epsilon), scaled in turn so that columns and rows
 * have equal sums. Rows of the result sum to 1.
 *
 * M. Cuturi, "Sinkhorn Distances", NeurIPS 2013, in the form of M. Caron et al., "Unsupervised Learning of Visual Features
 * by Contrasting Cluster Assignments", NeurIPS 2020.
 *
 * @param scores [n][k]
 *
 * @example
 * ```ts
 * import { balancedAssignment } from "@anabranch/core";
 * balancedAssignment([[1, 0], [1, 0]], { epsilon: 1, iterations: 3 }); // => [[0.5, 0.5], [0.5, 0.5]]
 * ```
 */
export function balancedAssignment(
  scores: readonly (readonly number[])[],
  { epsilon, iterations }: { readonly epsilon: number; readonly iterations: number },
): number[][] {
  const most = Math.max(...scores.flat());
  const rows = scores.map((row) => row.map((score) => Math.exp((score - most) / epsilon)));
  const [n, k] = [rows.length, rows[0]!.length];
  for (let pass = 0; pass < iterations; pass++) {
    for (let c = 0; c < k; c++) {
      const total = rows.reduce((sum, row) => sum + row[c]!, 0);
      for (const row of rows) row[c]! /= total * k;
    }
    for (const row of rows) {
      const total = row.reduce((a, b) => a + b, 0);
      for (let c = 0; c < k; c++) row[c]! /= total * n;
    }
  }
  return rows.map((row) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((value) => value / total);
  });
}

/**
 * Part of the examples whose cluster is their class, under the best one-to-one naming of clusters by classes.
 *
 * @param predicted cluster of each example, below `classes`
 * @param truth class of each example
 * @example
 * ```ts
 * import { clusteringAccuracy } from "@anabranch/core";
 * clusteringAccuracy([1, 1, 0, 0], [0, 0, 1, 0], 2); // => 0.75
 * ```
 */
export function clusteringAccuracy(predicted: readonly number[], truth: readonly number[], classes: number): number {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, cluster] of predicted.entries()) counts[cluster]![truth[i]!]!++;
  return matchedShare(counts);
}

/**
 * The same of a table of counts: by cluster, how many examples of each class are in it.
 *
 * @param counts [n][n]
 * @example
 * ```ts
 * import { matchedShare } from "@anabranch/core";
 * matchedShare([[1, 3], [4, 2]]); // => 0.7
 * ```
 */
export function matchedShare(counts: readonly (readonly number[])[]): number {
  const total = counts.flat().reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  const names = assign(counts.map((row) => row.map((count) => -count)));
  return names.reduce((sum, label, cluster) => sum + counts[cluster]![label]!, 0) / total;
}
