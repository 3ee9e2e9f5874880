import { AnabranchError } from "@anabranch/engine";
import { deriveKey, type RandomKey, type RandomStream, randomStream } from "../random/index.ts";

/** Two nodes that exchange models, the lower number first. */
export type Edge = readonly [number, number];

/** Who exchanges models with whom: undirected, without loops, every edge once, in ascending order. */
export interface Graph {
  readonly nodes: number;
  readonly edges: readonly Edge[];
}

/**
 * The graph of a list of pairs: order, direction and repetition do not count, and loops are left out. Throws
 * `topology/edge`.
 *
 *
 * @example
 * ```ts
 * import { graphOf, mixingRows } from "@anabranch/core";
 * const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
 * mixingRows(ring, "metropolis").length; // => 4
 * ```
 */
export function graphOf(nodes: number, pairs: Iterable<Edge>): Graph {
  const known = new Map<number, Edge>();
  for (const [a, b] of pairs) {
    for (const node of [a, b]) if (!Number.isInteger(node) || node < 0 || node >= nodes) throw noNode(node, nodes);
    if (a !== b) known.set(Math.min(a, b) * nodes + Math.max(a, b), [Math.min(a, b), Math.max(a, b)]);
  }
  return { nodes, edges: [...known].sort(([a], [b]) => a - b).map(([, edge]) => edge) };
}

/** Every node and the next one, the last and the first. */
export function ring(nodes: number): Graph {
  return graphOf(
    nodes,
    range(nodes).map((i) => [i, (i + 1) % nodes]),
  );
}

/** Every node and the next one. */
export function path(nodes: number): Graph {
  return graphOf(
    nodes,
    range(nodes - 1).map((i) => [i, i + 1]),
  );
}

/** Node 0 and every other one. */
export function star(nodes: number): Graph {
  return graphOf(
    nodes,
    range(nodes - 1).map((i) => [0, i + 1]),
  );
}

/** Every pair. */
export function complete(nodes: number): Graph {
  return graphOf(
    nodes,
    range(nodes).flatMap((i) => range(i).map((j): Edge => [j, i])),
  );
}

/** A grid whose sides are joined, numbered row by row; edges that coincide count once. */
export function torus(rows: number, columns: number): Graph {
  const at = (row: number, column: number) => (row % rows) * columns + (column % columns);
  const pairs = range(rows * columns).flatMap((i): Edge[] => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return [
      [i, at(row, column + 1)],
      [i, at(row + 1, column)],
    ];
  });
  return graphOf(rows * columns, pairs);
}

/** Node i > 0 and its parent, floor((i - 1) / fanout). */
export function tree(nodes: number, fanout: number): Graph {
  return graphOf(
    nodes,
    range(nodes - 1).map((i) => [Math.floor(i / fanout), i + 1]),
  );
}

/**
 * A connected graph in which every node has `degree` neighbours, drawn from a key. Throws `topology/regular` where there
 * is none.
 *
 * Reference: A. Steger, N. C. Wormald, "Generating random regular graphs quickly", Combinatorics, Probability and
 * Computing 8, 1999.
 */
export function randomRegular(nodes: number, degree: number, key: RandomKey): Graph {
  const least = nodes > 2 ? 2 : nodes - 1;
  if (!Number.isInteger(degree) || degree < least || degree >= nodes || (nodes * degree) % 2 === 1)
    throw new AnabranchError({
      code: "topology/regular",
      message: "there is no connected graph of this degree",
      received: `degree ${degree} with ${nodes} nodes`,
      expected: `a degree from ${least} to ${nodes - 1}, even where the number of nodes is odd`,
    });
  for (let attempt = 0; ; attempt++) {
    const edges = pairUp(nodes, degree, randomStream(deriveKey(key, attempt)));
    if (edges === undefined) continue;
    const graph = graphOf(nodes, edges);
    if (components(graph).length === 1) return graph;
  }
}

/** Joins free ends at random as long as two fit; undefined where the last ones do not. */
function pairUp(nodes: number, degree: number, stream: RandomStream): Edge[] | undefined {
  const ends = range(nodes * degree).map((end) => Math.floor(end / degree));
  const joined = new Set<number>();
  const edges: Edge[] = [];
  let misses = 0;
  while (ends.length > 0) {
    const [i, j] = [stream.below(ends.length), stream.below(ends.length)];
    const [a, b] = [Math.min(ends[i]!, ends[j]!), Math.max(ends[i]!, ends[j]!)];
    if (a === b || joined.has(a * nodes + b)) {
      if (++misses > 20 * nodes * degree) return undefined;
      continue;
    }
    joined.add(a * nodes + b);
    edges.push([a, b]);
    for (const place of [Math.max(i, j), Math.min(i, j)]) ends.splice(place, 1);
  }
  return edges;
}

/** For each node its neighbours, ascending. */
export function neighbours({ nodes, edges }: Graph): readonly (readonly number[])[] {
  const lists = range(nodes).map((): number[] => []);
  for (const [a, b] of edges) {
    lists[a]!.push(b);
    lists[b]!.push(a);
  }
  for (const list of lists) list.sort((a, b) => a - b);
  return lists;
}

/** The connected components, each ascending, in the order of their first nodes. */
export function components(graph: Graph): readonly (readonly number[])[] {
  const lists = neighbours(graph);
  const seen = new Set<number>();
  const found: number[][] = [];
  for (const start of range(graph.nodes)) {
    if (seen.has(start)) continue;
    seen.add(start);
    const component = [start];
    for (const node of component) {
      for (const next of lists[node]!) {
        if (seen.has(next)) continue;
        seen.add(next);
        component.push(next);
      }
    }
    found.push(component.sort((a, b) => a - b));
  }
  return found;
}

export function range(n: number): number[] {
  return Array.from({ length: Math.max(0, n) }, (_, i) => i);
}

function noNode(node: number, nodes: number): AnabranchError {
  return new AnabranchError({
    code: "topology/edge",
    message: "an edge names a node that does not exist",
    received: String(node),
    expected: `a node from 0 to ${nodes - 1}`,
  });
}
