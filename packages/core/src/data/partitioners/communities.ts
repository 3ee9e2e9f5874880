import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomStream, randomStream } from "../../random/index.ts";
import type { Partitioner } from "../partition.ts";
import type { NodeNeighbours } from "../row-graph.ts";

/** Passes over the nodes at most; few graphs need more than ten. */
const SWEEPS = 50;
/** Size of a client over the mean, up to which communities are merged where they have edges to each other. */
const LARGEST = 1.5;

/**
 * Clients are communities of a graph. Every node takes the label that most of its neighbours have, node by node in random
 * order, until none changes; a label takes no more than n / clients nodes. Then the smallest community joins the one that it
 * has most edges to, as long as both have no more than 1.5 n / clients nodes, else the smallest other one, until there are
 * as many as clients.
 *
 * U. N. Raghavan, R. Albert, S. Kumara, "Near Linear Time Algorithm to Detect Community Structures in Large-Scale Networks",
 * Physical Review E 76, 2007, arXiv:0709.2938; here with a bound on sizes. FED-PUB cuts its graphs by METIS instead.
 *
 * @throws `partition/no-graph` for data without edges
 * @example
 * ```ts
 * import { adjacencyOf, communities, rootKey } from "@anabranch/core";
 * const neighbours = adjacencyOf(6, [0, 1, 1, 2, 2, 0, 3, 4, 4, 5, 5, 3, 2, 3]); // two triangles and an edge between
 * const context = { key: rootKey(1), classes: 1, clients: 2, neighbours };
 * communities().partition(new Uint8Array(6), context).clients.map((rows) => [...rows]); // => [[0, 1, 2], [3, 4, 5]]
 * ```
 */
export function communities(): Partitioner {
  return {
    name: "communities",
    reads: "graph",
    partition({ length }, { key, clients, neighbours }) {
      if (neighbours === undefined) throw noGraph();
      if (clients < 1 || clients > length) throw tooMany(clients, length);
      const labels = propagated(neighbours, Math.floor(length / clients), randomStream(key));
      return { clients: merged(neighbours, labels, clients) };
    },
  };
}

/** The label of each node, the number of a node, after label propagation with at most `capacity` nodes to a label. */
function propagated({ offsets, targets }: NodeNeighbours, capacity: number, stream: RandomStream): Int32Array {
  const nodes = offsets.length - 1;
  const labels = Int32Array.from({ length: nodes }, (_, node) => node);
  const sizes = new Int32Array(nodes).fill(1);
  for (let sweep = 0, moved = true; moved && sweep < SWEEPS; sweep++) {
    moved = false;
    for (const node of permutation(stream, nodes)) {
      const own = labels[node]!;
      const votes = new Map<number, number>();
      for (const near of targets.subarray(offsets[node], offsets[node + 1])) {
        const label = labels[near]!;
        if (label === own || sizes[label]! < capacity) votes.set(label, (votes.get(label) ?? 0) + 1);
      }
      const most = Math.max(0, ...votes.values());
      if (most === (votes.get(own) ?? 0)) continue;
      const best = [...votes].flatMap(([label, count]) => (count === most ? [label] : []));
      const next = best[stream.below(best.length)]!;
      labels[node] = next;
      sizes[own]! -= 1;
      sizes[next]! += 1;
      moved = true;
    }
  }
  return labels;
}

/** Nodes and edges of a community. */
interface Community {
  readonly nodes: number[];
  /** Edges to each other community, by its number. */
  readonly edges: Map<number, number>;
}

/** So many clients, in the order of their first nodes. */
function merged(graph: NodeNeighbours, labels: Int32Array, clients: number): Int32Array[] {
  const all = communitiesOf(graph, labels);
  const limit = (LARGEST * labels.length) / clients;
  while (all.size > clients) {
    const smallest = least(all.keys(), (number) => all.get(number)!.nodes.length)!;
    const { nodes, edges } = all.get(smallest)!;
    const fitting = [...edges.keys()].filter((other) => nodes.length + all.get(other)!.nodes.length <= limit);
    const others = [...all.keys()].filter((other) => other !== smallest);
    const host =
      least(fitting, (other) => -edges.get(other)!) ?? least(others, (other) => all.get(other)!.nodes.length)!;
    join(all, smallest, host);
  }
  const found = [...all.values()].map(({ nodes }) => Int32Array.from(nodes).sort());
  return found.sort((a, b) => a[0]! - b[0]!);
}

function communitiesOf({ offsets, targets }: NodeNeighbours, labels: Int32Array): Map<number, Community> {
  const all = new Map<number, Community>();
  for (const [node, label] of labels.entries()) {
    if (!all.has(label)) all.set(label, { nodes: [], edges: new Map() });
    const { nodes, edges } = all.get(label)!;
    nodes.push(node);
    for (const near of targets.subarray(offsets[node], offsets[node + 1])) {
      const other = labels[near]!;
      if (other !== label) edges.set(other, (edges.get(other) ?? 0) + 1);
    }
  }
  return all;
}

/** Puts one community into another. */
function join(all: Map<number, Community>, from: number, into: number): void {
  const [gone, host] = [all.get(from)!, all.get(into)!];
  all.delete(from);
  host.edges.delete(from);
  for (const node of gone.nodes) host.nodes.push(node);
  for (const [other, count] of gone.edges) {
    if (other === into) continue;
    host.edges.set(other, (host.edges.get(other) ?? 0) + count);
    const back = all.get(other)!.edges;
    back.delete(from);
    back.set(into, (back.get(into) ?? 0) + count);
  }
}

/** What has the least value, the first of equal ones with the lower number. */
function least(numbers: Iterable<number>, value: (number: number) => number): number | undefined {
  let best: readonly [value: number, number: number] | undefined;
  for (const number of numbers) {
    const here = value(number);
    if (best === undefined || here < best[0] || (here === best[0] && number < best[1])) best = [here, number];
  }
  return best?.[1];
}

function noGraph(): AnabranchError {
  return new AnabranchError({
    code: "partition/no-graph",
    message: "the data set has no graph to find communities in",
    where: "partitioner communities",
    received: "examples without edges",
    expected: "examples that are the nodes of a graph",
    advice: 'Use a data set with a graph, such as block-graph, or another partitioner such as "dirichlet".',
  });
}

function tooMany(clients: number, nodes: number): AnabranchError {
  return new AnabranchError({
    code: "partition/too-many-clients",
    message: "a graph cannot be divided between so many clients",
    where: "partitioner communities",
    received: `${clients} clients`,
    expected: `from 1 to ${nodes}, the number of nodes`,
    advice: "Change data.clients.",
  });
}
