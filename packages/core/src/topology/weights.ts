import { type Graph, neighbours, range } from "./graph.ts";

/** A row of a mixing matrix: the nodes that a node hears from, itself included, ascending, and their weights. */
export interface SparseRow {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
}

/** How edges of an undirected graph are weighted. */
export const weightRules = ["metropolis", "max-degree", "uniform", "equal"] as const;
export type WeightRule = (typeof weightRules)[number];

/**
 * The mixing matrix of a graph as sparse rows; each sums to 1.
 *
 *   metropolis: w_ij = 1 / (1 + max(deg_i, deg_j)); symmetric
 *   max-degree: w_ij = 1 / (1 + the largest degree); symmetric
 *   uniform, equal: w_ij = 1 / (1 + deg_i): the plain mean of what a node hears; rows sum to 1, and columns do where all
 *     degrees are equal
 *
 * Reference: L. Xiao, S. Boyd, "Fast linear iterations for distributed averaging", Systems & Control Letters 53, 2004.
 *
 * @example
 * ```ts
 * import { graphOf, mixingRows } from "@anabranch/core";
 * mixingRows(graphOf(3, [[0, 1], [1, 2]]), "metropolis")[0]; // => { nodes: [0, 1], weights: [0.6667, 0.3333] }
 * ```
 */
export function mixingRows(graph: Graph, rule: WeightRule): readonly SparseRow[] {
  const lists = neighbours(graph);
  const degrees = lists.map(({ length }) => length);
  const largest = degrees.reduce((a, b) => Math.max(a, b), 0);
  const degree = (i: number, j: number) => {
    if (rule === "metropolis") return Math.max(degrees[i]!, degrees[j]!);
    return rule === "max-degree" ? largest : degrees[i]!;
  };
  return lists.map((list, i) => {
    const others = list.map((j): readonly [number, number] => [j, 1 / (1 + degree(i, j))]);
    return rowOf([...others, [i, 1 - others.reduce((sum, [, weight]) => sum + weight, 0)]]);
  });
}

/** Hops of the exponential graphs: 1, 2, 4, ... below the number of nodes. */
export function hops(nodes: number): readonly number[] {
  const list: number[] = [];
  for (let hop = 1; hop < nodes; hop *= 2) list.push(hop);
  return list;
}

/**
 * The exponential graph: node i hears nodes i, i + 1, i + 2, i + 4, ..., all with the same weight. Directed, and its
 * columns sum to 1.
 *
 * Reference: B. Ying et al., "Exponential Graph is Provably Efficient for Decentralized Deep Training", NeurIPS 2021.
 */
export function exponentialRows(nodes: number): readonly SparseRow[] {
  const steps = [0, ...hops(nodes)];
  return range(nodes).map((i) => rowOf(steps.map((hop) => [(i + hop) % nodes, 1 / steps.length])));
}

/** One round of the one-peer exponential graph: node i hears itself and node i + hop, half each; hops follow in turn. */
export function onePeerRows(nodes: number, round: number): readonly SparseRow[] {
  const steps = hops(nodes);
  if (steps.length === 0) return range(nodes).map((i) => rowOf([[i, 1]]));
  const hop = steps[round % steps.length]!;
  return range(nodes).map((i) =>
    rowOf([
      [i, 0.5],
      [(i + hop) % nodes, 0.5],
    ]),
  );
}

/** A row of a square matrix [n, n] without its zeros. */
export function sparseRow(values: readonly number[]): SparseRow {
  return rowOf(values.map((weight, j): readonly [number, number] => [j, weight]).filter(([, weight]) => weight !== 0));
}

/** The matrix [n][n] of sparse rows. */
export function denseMatrix(rows: readonly SparseRow[]): number[][] {
  return rows.map(({ nodes, weights }) => {
    const row = rows.map(() => 0);
    for (const [k, node] of nodes.entries()) row[node]! += weights[k]!;
    return row;
  });
}

function rowOf(entries: readonly (readonly [number, number])[]): SparseRow {
  const sorted = [...entries].sort(([a], [b]) => a - b);
  return { nodes: sorted.map(([node]) => node), weights: sorted.map(([, weight]) => weight) };
}
