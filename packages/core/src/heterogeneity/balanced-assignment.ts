/**
 * Soft assignments of rows to clusters that are balanced: exp(score / epsilon), scaled in turn so that columns and rows
 * have equal sums. Rows of the result sum to 1.
 *
 * M. Cuturi, "Sinkhorn Distances", NeurIPS 2013, in the form of M. Caron et al., "Unsupervised Learning of Visual Features
 * by Contrasting Cluster Assignments", NeurIPS 2020.
 *
 * @param scores [n][k]
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
  if (predicted.length === 0) return 0;
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, cluster] of predicted.entries()) counts[cluster]![truth[i]!]!++;
  const names = cheapestAssignment(counts.map((row) => row.map((count) => -count)));
  return names.reduce((sum, label, cluster) => sum + counts[cluster]![label]!, 0) / predicted.length;
}

/**
 * The column of each row in the assignment of least cost, one column for each row, by shortest augmenting paths.
 *
 * H. W. Kuhn, "The Hungarian Method for the assignment problem", 1955; J. Munkres, 1957.
 *
 * @param cost [n][n]
 * @example
 * ```ts
 * import { cheapestAssignment } from "@anabranch/core";
 * cheapestAssignment([[1, 2], [1, 9]]); // => [1, 0]
 * ```
 */
export function cheapestAssignment(cost: readonly (readonly number[])[]): number[] {
  const n = cost.length;
  // potentials and matches count from 1; column 0 is where the search for a row starts
  const [u, v] = [new Float64Array(n + 1), new Float64Array(n + 1)];
  const rowOf = new Int32Array(n + 1);
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row;
    const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Int32Array(n + 1);
    const seen = new Uint8Array(n + 1);
    let column = 0;
    do {
      seen[column] = 1;
      const next = relax(cost, { u, v, rowOf, least, from, seen }, column);
      for (let j = 0; j <= n; j++) {
        if (seen[j] === 1) {
          u[rowOf[j]!]! += next.delta;
          v[j]! -= next.delta;
        } else least[j]! -= next.delta;
      }
      column = next.column;
    } while (rowOf[column] !== 0);
    for (let at = column; at !== 0; at = from[at]!) rowOf[at] = rowOf[from[at]!]!;
  }
  const assigned = new Array<number>(n);
  for (let j = 1; j <= n; j++) assigned[rowOf[j]! - 1] = j - 1;
  return assigned;
}

interface Search {
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly rowOf: Int32Array;
  readonly least: Float64Array;
  readonly from: Int32Array;
  readonly seen: Uint8Array;
}

/** Shortens paths by the row of a column; the nearest column that was not seen yet. */
function relax(
  cost: readonly (readonly number[])[],
  { u, v, rowOf, least, from, seen }: Search,
  column: number,
): { readonly column: number; readonly delta: number } {
  const row = rowOf[column]!;
  let nearest = 0;
  let delta = Number.POSITIVE_INFINITY;
  for (let j = 1; j < seen.length; j++) {
    if (seen[j] === 1) continue;
    const reduced = cost[row - 1]![j - 1]! - u[row]! - v[j]!;
    if (reduced < least[j]!) {
      least[j] = reduced;
      from[j] = column;
    }
    if (least[j]! < delta) {
      delta = least[j]!;
      nearest = j;
    }
  }
  return { column: nearest, delta };
}
