import { AnabranchError } from "@anabranch/engine";

/** A graph whose nodes are the examples of a data set. */
export interface RowGraph {
  /** [n] number of the node that each example is. */
  readonly nodes: Int32Array;
  /**
   * [2 edges] numbers of nodes, two for each edge; edges have no direction. The same in the training set and the test set;
   * edges to nodes that are in neither do not count.
   */
  readonly edges: Int32Array;
}

/** Neighbours of rows: those of row i are `targets[offsets[i] .. offsets[i + 1]]`, in rising order. */
export interface NodeNeighbours {
  /** [n + 1] */
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

/**
 * Neighbours by row, of edges without direction. Loops and repeated edges are left out.
 *
 * @param edges [2 edges] pairs of rows
 * @example
 * ```ts
 * import { adjacencyOf } from "@anabranch/core";
 * const { offsets, targets } = adjacencyOf(3, [0, 1, 1, 0, 2, 2, 1, 2]);
 * [...offsets]; // => [0, 1, 3, 4]
 * [...targets]; // => [1, 0, 2, 1]
 * ```
 */
export function adjacencyOf(rows: number, edges: ArrayLike<number>): NodeNeighbours {
  const near = Array.from({ length: rows }, () => new Set<number>());
  for (let k = 0; k + 1 < edges.length; k += 2) {
    const [a, b] = [edges[k]!, edges[k + 1]!];
    if (a === b) continue;
    near[a]!.add(b);
    near[b]!.add(a);
  }
  const offsets = new Int32Array(rows + 1);
  for (const [row, { size }] of near.entries()) offsets[row + 1] = offsets[row]! + size;
  const targets = new Int32Array(offsets[rows]!);
  for (const [row, found] of near.entries())
    targets.set(
      [...found].sort((a, b) => a - b),
      offsets[row]!,
    );
  return { offsets, targets };
}

/**
 * Neighbours of the examples of several parts, numbered through: those of the first part, then those of the second.
 *
 * @throws `data/graph` where two examples are the same node
 */
export function rowNeighbours(name: string, parts: readonly RowGraph[]): NodeNeighbours {
  const rowOf = new Map<number, number>();
  for (const node of parts.flatMap(({ nodes }) => [...nodes])) {
    if (rowOf.has(node)) throw twice(name, node);
    rowOf.set(node, rowOf.size);
  }
  const pairs: number[] = [];
  const { edges } = parts[0]!;
  for (let k = 0; k + 1 < edges.length; k += 2) {
    const [a, b] = [rowOf.get(edges[k]!), rowOf.get(edges[k + 1]!)];
    if (a !== undefined && b !== undefined) pairs.push(a, b);
  }
  return adjacencyOf(rowOf.size, pairs);
}

/** Refuses a graph that does not fit its examples. Throws `data/shape` or `data/graph`. */
export function checkRowGraph({ nodes, edges }: RowGraph, examples: number, where: string): void {
  const isPairs = edges.length % 2 === 0;
  if (nodes.length === examples && isPairs) return;
  throw new AnabranchError({
    code: "data/graph",
    message: isPairs ? "there must be one node for each example" : "an edge has no second end",
    where,
    received: isPairs ? `${nodes.length} nodes` : `${edges.length} ends of edges`,
    expected: isPairs ? String(examples) : "two for each edge",
  });
}

function twice(name: string, node: number): AnabranchError {
  return new AnabranchError({
    code: "data/graph",
    message: "two examples are the same node of the graph",
    where: `data set ${name}`,
    received: `node ${node} twice`,
    expected: "one example for each node",
    advice: "Put each node into the training set or into the test set, once.",
  });
}
