import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import { type Edge, type Graph, range } from "./graph.ts";
import { lambdaOf } from "./spectrum.ts";
import {
  denseMatrix,
  exponentialRows,
  hops,
  mixingRows,
  onePeerRows,
  type SparseRow,
  type WeightRule,
} from "./weights.ts";

/** Who mixes with whom in each round, and with which weights. */
export interface Topology {
  readonly name: string;
  readonly nodes: number;
  /** Rounds after which the mixing matrix repeats: 1 where it never changes, 0 where it is drawn anew. */
  readonly period: number;
  /** The mixing matrix of a round (1-based) as sparse rows, each with a sum of 1. */
  rows(round: number): readonly SparseRow[];
}

/** The same mixing matrix in every round. */
export function fixedTopology(name: string, rows: readonly SparseRow[]): Topology {
  return { name, nodes: rows.length, period: 1, rows: () => rows };
}

/** A graph whose edges are weighted by a rule. */
export function graphTopology(name: string, graph: Graph, weights: WeightRule): Topology {
  return fixedTopology(name, mixingRows(graph, weights));
}

/** The static exponential graph. */
export function exponential(nodes: number): Topology {
  return fixedTopology("exponential", exponentialRows(nodes));
}

/** The exponential graph with one hop in each round; the first round has hop 1. */
export function onePeerExponential(nodes: number): Topology {
  const period = Math.max(1, hops(nodes).length);
  const all = range(period).map((k) => onePeerRows(nodes, k));
  return { name: "one-peer-exponential", nodes, period, rows: (round) => all[(round - 1) % period]! };
}

/**
 * In each round every node asks one random other node with a given probability; the two take their mean. A node that has
 * a partner already asks nobody and is not asked.
 *
 * Reference: T. Zhu et al., "A single merging suffices", ICLR 2026, arXiv:2507.06542.
 *
 * @param key of the topology; rounds have keys of their own
 */
export function randomPairs(nodes: number, probability: number, key: RandomKey): Topology {
  const threshold = Math.floor(probability * 2 ** 32);
  return {
    name: "random-pairs",
    nodes,
    period: 0,
    rows(round) {
      const stream = randomStream(deriveKey(key, round));
      const partner = new Map<number, number>();
      for (const node of range(nodes)) {
        const asks = stream.uint32() < threshold;
        const free = range(nodes).filter((other) => other !== node && !partner.has(other));
        if (!asks || partner.has(node) || free.length === 0) continue;
        const other = free[stream.below(free.length)]!;
        partner.set(node, other).set(other, node);
      }
      return range(nodes).map((node) => pairRow(node, partner.get(node)));
    },
  };
}

function pairRow(node: number, partner: number | undefined): SparseRow {
  if (partner === undefined) return { nodes: [node], weights: [1] };
  return { nodes: [Math.min(node, partner), Math.max(node, partner)], weights: [0.5, 0.5] };
}

/** The mixing matrices of each round of a list; the last one goes on. */
export function scriptedTopology(script: readonly (readonly SparseRow[])[]): Topology {
  const last = script.length - 1;
  return { name: "scripted", nodes: script[0]!.length, period: 0, rows: (round) => script[Math.min(round - 1, last)]! };
}

/** Nodes up to which lambda is computed: its time grows with their cube, to some seconds. */
const MOST_NODES = 256;

/** How well a topology mixes. */
export interface Mixing {
  /** See `lambdaOf`; over one period, its root for one round. Undefined where matrices are drawn anew, or are large. */
  readonly lambda: number | undefined;
  /** Messages of one round: pairs (i, j) in which j hears i, averaged over the period. */
  readonly links: number;
}

/**
 * The lambda of a topology and what it sends. For time-varying ones over one period.
 *
 * @example
 * ```ts
 * import { graphOf, mixingOf, mixingRows } from "@anabranch/core";
 * const rows = mixingRows(graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]), "metropolis");
 * mixingOf({ name: "ring", nodes: 4, period: 1, rows: () => rows }); // => { lambda: 0.3333, links: 8 }
 * ```
 */
export function mixingOf(topology: Topology): Mixing {
  const matrices = range(Math.max(1, topology.period)).map((k) => topology.rows(k + 1));
  const links = matrices.reduce((sum, rows) => sum + linksOf(rows).length, 0) / matrices.length;
  if (topology.period === 0 || topology.nodes > MOST_NODES) return { lambda: undefined, links };
  if (topology.period === 1) return { lambda: lambdaOf(matrices[0]!), links };
  const product = matrices.slice(1).reduce((left, right) => multiplied(right, left), matrices[0]!);
  return { lambda: lambdaOf(product) ** (1 / topology.period), links };
}

/** The pairs (from, to) of different nodes in which `to` hears `from`. */
export function linksOf(rows: readonly SparseRow[]): readonly Edge[] {
  return rows.flatMap(({ nodes, weights }, to) =>
    nodes.flatMap((from, k): Edge[] => (from === to || weights[k] === 0 ? [] : [[from, to]])),
  );
}

/** A B, as rows. */
function multiplied(a: readonly SparseRow[], b: readonly SparseRow[]): readonly SparseRow[] {
  const right = denseMatrix(b);
  return a.map(({ nodes, weights }) => ({
    nodes: range(b.length),
    weights: range(b.length).map((j) => nodes.reduce((sum, node, k) => sum + weights[k]! * right[node]![j]!, 0)),
  }));
}
