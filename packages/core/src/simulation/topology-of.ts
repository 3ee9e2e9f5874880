import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import {
  complete,
  components,
  exponential,
  fixedTopology,
  type Graph,
  graphTopology,
  neighbours,
  onePeerExponential,
  path,
  randomPairs,
  randomRegular,
  ring,
  star,
  type Topology,
  torus,
  tree,
} from "../topology/index.ts";
import { readEdges, readMatrix } from "./topology-file.ts";

type Settings = Config["topology"];

/** The topology of a configuration. Throws `config/conflict` for one that its nodes cannot have. */
export function topologyOf({ topology, seed }: Config, nodes: number, text: string | undefined): Topology {
  const key = deriveKey(rootKey(seed), "topology");
  const { name, probability } = topology;
  if (name === "exponential" || name === "one-peer-exponential" || name === "random-pairs") {
    requireEqual(topology);
    if (name === "random-pairs") return randomPairs(nodes, probability, key);
    return name === "exponential" ? exponential(nodes) : onePeerExponential(nodes);
  }
  if (name === "matrix") {
    if (topology.weights !== undefined)
      throw refused("weights", `"${topology.weights}"`, name, "nothing", "The file has them.");
    return fixedTopology(name, readMatrix(text ?? "", nodes));
  }
  const graph = graphOfName(topology, nodes, key, text);
  requireConnected(graph, name);
  requireEqualDegrees(topology, graph);
  return graphTopology(name, graph, topology.weights ?? "metropolis");
}

function graphOfName(
  topology: Settings,
  nodes: number,
  key: ReturnType<typeof rootKey>,
  text: string | undefined,
): Graph {
  switch (topology.name) {
    case "ring":
      return ring(nodes);
    case "path":
      return path(nodes);
    case "star":
      return star(nodes);
    case "torus":
      return torus(rowsOf(topology, nodes), nodes / rowsOf(topology, nodes));
    case "tree":
      return tree(nodes, topology.fanout);
    case "random-regular":
      requireDegree(topology.degree, nodes);
      return randomRegular(nodes, topology.degree, key);
    case "edges":
      return readEdges(text ?? "", nodes);
    default:
      return complete(nodes);
  }
}

/** Rows of a torus: as given, or as near to the root of the number of nodes as they divide it. */
function rowsOf({ rows }: Settings, nodes: number): number {
  const divisors = Array.from({ length: nodes }, (_, i) => i + 1).filter((d) => nodes % d === 0);
  if (rows === undefined) return divisors.findLast((d) => d * d <= nodes)!;
  if (nodes % rows === 0) return rows;
  const near = divisors.reduce((best, d) => (Math.abs(d - rows) < Math.abs(best - rows) ? d : best));
  throw refused(
    "rows",
    `${rows}`,
    "torus",
    `a divisor of data.clients = ${nodes}, e.g. ${near}`,
    `Set topology.rows = ${near}.`,
  );
}

function requireDegree(degree: number, nodes: number): void {
  const legal = Array.from({ length: nodes }, (_, d) => d).filter(
    (d) => d >= Math.min(2, nodes - 1) && (nodes * d) % 2 === 0,
  );
  if (legal.includes(degree)) return;
  const near = legal.reduce((best, d) => (Math.abs(d - degree) < Math.abs(best - degree) ? d : best));
  const expected = `${near}: nodes times degree has to be even, and a connected graph needs 2 neighbours`;
  throw refused(
    "degree",
    `${degree}, with data.clients = ${nodes}`,
    "random-regular",
    expected,
    `Set topology.degree = ${near}.`,
  );
}

function requireConnected(graph: Graph, name: string): void {
  const parts = components(graph);
  if (parts.length === 1) return;
  const [first, second] = parts;
  const advice = `Add an edge between them, e.g. ${first![0]},${second![0]}: models of separate groups never meet.`;
  const received = `${parts.length} separate groups: nodes ${listed(first!)} are not joined to nodes ${listed(second!)}`;
  throw refused("file", received, name, "a connected graph", advice);
}

const listed = (nodes: readonly number[]) => `${nodes.slice(0, 4).join(", ")}${nodes.length > 4 ? ", ..." : ""}`;

function requireEqual({ name, weights }: Settings): void {
  if (weights === undefined || weights === "equal") return;
  throw refused("weights", `"${weights}"`, name, '"equal"', "Its weights are fixed: remove topology.weights.");
}

function requireEqualDegrees({ name, weights }: Settings, graph: Graph): void {
  const degrees = new Set(neighbours(graph).map(({ length }) => length));
  if (weights !== "equal" || degrees.size === 1) return;
  throw refused("weights", '"equal"', name, '"metropolis"', "Its nodes have unequal numbers of neighbours.");
}

function refused(key: string, received: string, name: string, expected: string, advice: string) {
  return conflict(`topology.${key}`, `${received}, with topology.name = "${name}"`, expected, advice);
}
