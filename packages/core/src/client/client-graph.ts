import type { HostTensor, HostTensors } from "@anabranch/engine";
import type { NodeNeighbours } from "../data/row-graph.ts";

/** The graph of a federation and which of its nodes each client has, as plain data. */
export interface FederatedGraph {
  /** [nodes, features] */
  readonly features: HostTensor;
  readonly neighbours: NodeNeighbours;
  /** Client i has the nodes members[offsets[i] .. offsets[i + 1]], each once. */
  readonly members: Int32Array;
  readonly offsets: Int32Array;
}

/** The graph that clients have, as the program takes it: nodes are numbered from 0, edges go both ways, with weights. */
export interface ClientGraph {
  readonly features: HostTensor;
  readonly from: HostTensor;
  readonly to: HostTensor;
  readonly weights: HostTensor;
}

/** The graph of nodes that clients have, as plain data. */
export function federatedGraph(
  features: HostTensor,
  neighbours: NodeNeighbours,
  members: readonly Int32Array[],
): FederatedGraph {
  const offsets = new Int32Array(members.length + 1);
  for (const [client, { length }] of members.entries()) offsets[client + 1] = offsets[client]! + length;
  const flat = new Int32Array(offsets[members.length]!);
  for (const [client, nodes] of members.entries()) flat.set(nodes, offsets[client]!);
  return { features, neighbours, members: flat, offsets };
}

/**
 * The graphs of clients from..to (to excluded) side by side, and the numbers in it of some of their nodes. A client has the
 * edges between its own nodes and no others. Edges are weighted as D^-1/2 (A + I) D^-1/2 has them, with the degrees D of
 * A + I among the client's nodes.
 *
 * @param owned for each of the clients some of its nodes
 */
export function graphOfClients(
  { features, neighbours, members, offsets }: FederatedGraph,
  from: number,
  owned: readonly Int32Array[],
): { readonly graph: ClientGraph; readonly places: Int32Array } {
  const nodes = members.subarray(offsets[from]!, offsets[from + owned.length]!);
  const width = features.shape[1]!;
  const make = features.data.constructor as new (length: number) => HostTensor["data"];
  const values = new make(nodes.length * width);
  for (const [place, node] of nodes.entries()) {
    values.set(features.data.subarray(node * width, (node + 1) * width), place * width);
  }
  const edges: Edge[] = [];
  const places: number[] = [];
  for (const [at, own] of owned.entries()) {
    const first = offsets[from + at]! - offsets[from]!;
    const numbers = new Map<number, number>();
    for (const node of members.subarray(offsets[from + at]!, offsets[from + at + 1]!)) {
      numbers.set(node, first + numbers.size);
    }
    for (const node of own) places.push(numbers.get(node)!);
    addEdges(edges, neighbours, numbers);
  }
  const int32 = (pick: (edge: Edge) => number): HostTensor => {
    return { dtype: "int32", shape: [edges.length], data: Int32Array.from(edges, pick) };
  };
  const weights = new make(edges.length);
  for (const [k, { weight }] of edges.entries()) weights[k] = weight;
  const graph: ClientGraph = {
    features: { dtype: "float", shape: [nodes.length, width], data: values },
    from: int32((edge) => edge.from),
    to: int32((edge) => edge.to),
    weights: { dtype: "float", shape: [edges.length], data: weights },
  };
  return { graph, places: Int32Array.from(places) };
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** The edges between the nodes of one client, and one from each node to itself. */
function addEdges(edges: Edge[], { offsets, targets }: NodeNeighbours, numbers: ReadonlyMap<number, number>): void {
  const near = new Map<number, number[]>();
  for (const node of numbers.keys()) {
    const own = targets.subarray(offsets[node], offsets[node + 1]);
    near.set(node, [node, ...own.filter((other) => numbers.has(other))]);
  }
  for (const [node, sources] of near) {
    for (const source of sources) {
      const weight = 1 / Math.sqrt(sources.length * near.get(source)!.length);
      edges.push({ from: numbers.get(source)!, to: numbers.get(node)!, weight });
    }
  }
}

/** What a program is given of a graph, by the names of its inputs. */
export function graphInputs(graph: ClientGraph | undefined): HostTensors {
  if (graph === undefined) return {};
  return Object.fromEntries(Object.entries(graph).map(([name, tensor]) => [`data/graph/${name}`, tensor]));
}

/** Nodes v and edges e of a client's graph, means over clients; edges are counted as the program has them. */
export function meanSizes({ neighbours, members, offsets }: FederatedGraph): {
  readonly v: number;
  readonly e: number;
} {
  const clients = offsets.length - 1;
  let edges = members.length;
  for (let client = 0; client < clients; client++) {
    const own = new Set(members.subarray(offsets[client], offsets[client + 1]));
    for (const node of own) {
      for (const near of neighbours.targets.subarray(neighbours.offsets[node], neighbours.offsets[node + 1])) {
        if (own.has(near)) edges++;
      }
    }
  }
  return { v: Math.round(members.length / clients), e: Math.round(edges / clients) };
}
