import * as z from "zod";
import {
  complete,
  denseMatrix,
  exponentialRows,
  type Graph,
  graphOf,
  lambdaOf,
  mixingRows,
  onePeerRows,
  path,
  ring,
  star,
  torus,
  tree,
  weightRules,
} from "../topology/index.ts";
import type { Operation } from "./operation.ts";

const edge = z.tuple([z.int().min(0), z.int().min(0)]);
const nodes = z.int().positive();
const plain = z.enum(["ring", "path", "star", "full", "complete", "exponential", "one-peer-exponential"]);
const graphs = z.discriminatedUnion("name", [
  z.strictObject({ name: plain, nodes }),
  z.strictObject({ name: z.literal("torus"), nodes, rows: nodes, columns: nodes }),
  z.strictObject({ name: z.literal("tree"), nodes, fanout: nodes.default(2) }),
  z.strictObject({ name: z.literal("edges"), nodes, edges: z.array(edge) }),
]);
const inputOf = z.strictObject({
  graph: graphs,
  weights: z.enum(weightRules).default("metropolis"),
  round: z.int().min(0).default(0),
});

/** `matrix`: the mixing matrix; `lambda`: its second eigenvalue; `edges` of undirected graphs. */
export const topologyOperation: Operation = {
  async run(input, options) {
    const { graph, weights, round } = inputOf.parse({ ...(input as object), ...(options as object) });
    const described = undirected(graph);
    const rows = described === undefined ? directed(graph, round) : mixingRows(described, weights);
    const edges = described === undefined ? {} : { edges: described.edges };
    return { matrix: denseMatrix(rows), lambda: lambdaOf(rows), ...edges };
  },
};

type Described = z.infer<typeof graphs>;

function undirected(graph: Described): Graph | undefined {
  switch (graph.name) {
    case "ring":
      return ring(graph.nodes);
    case "path":
      return path(graph.nodes);
    case "star":
      return star(graph.nodes);
    case "full":
    case "complete":
      return complete(graph.nodes);
    case "torus":
      return torus(graph.rows, graph.columns);
    case "tree":
      return tree(graph.nodes, graph.fanout);
    case "edges":
      return graphOf(graph.nodes, graph.edges);
    default:
      return undefined;
  }
}

function directed({ name, nodes: count }: Described, round: number) {
  return name === "exponential" ? exponentialRows(count) : onePeerRows(count, round);
}
