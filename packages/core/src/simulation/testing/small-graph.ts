import { type ConfigInput, resolveConfig } from "../../config/index.ts";
import { type ArrayDataset, selectRows, type TrainTest } from "../../data/index.ts";
import { type PreparedRun, prepareRun } from "../prepare.ts";

/** Nodes of the small graph, of which those of a number divisible by 3 are test nodes. */
export const NODES = 24;
export const FEATURES = 3;
export const CLASSES = 3;

export const featureOf = (node: number, j: number) => Math.sin(3 * node + 5 * j + 1);
export const labelOf = (node: number) => (node * node + 1) % CLASSES;
/** Two clients own the halves. */
export const ownerOf = (node: number) => Math.floor((2 * node) / NODES);

/** A ring with chords: some edges lead from one half to the other. */
export const edges: readonly (readonly [number, number])[] = Array.from({ length: NODES }, (_, node) => [
  [node, (node + 1) % NODES] as const,
  ...(node % 4 === 0 ? [[node, (node + 5) % NODES] as const] : []),
]).flat();

function whole(): ArrayDataset {
  const nodes = Array.from({ length: NODES }, (_, node) => node);
  return {
    name: "ring",
    features: {
      dtype: "float",
      shape: [NODES, FEATURES],
      data: Float32Array.from(nodes.flatMap((node) => Array.from({ length: FEATURES }, (_, j) => featureOf(node, j)))),
    },
    labels: { dtype: "uint8", shape: [NODES], data: Uint8Array.from(nodes, labelOf) },
    classes: CLASSES,
    groups: Int32Array.from(nodes, ownerOf),
    graph: { nodes: Int32Array.from(nodes), edges: Int32Array.from(edges.flat()) },
  };
}

/** The small graph as a data set. */
export function smallGraph(): TrainTest {
  const nodes = Array.from({ length: NODES }, (_, node) => node);
  const part = (isTest: boolean) =>
    selectRows(
      whole(),
      nodes.filter((node) => (node % 3 === 0) === isTest),
    );
  return { train: part(false), test: part(true), testRows: "clients" };
}

/** A run of two clients on it, on the interpreter. */
export function graphRun(more: ConfigInput = {}, data: TrainTest = smallGraph()): PreparedRun {
  const { data: given, model, training, ...rest } = more;
  const config = resolveConfig({
    ...{ rounds: 3, seed: 5, sampler: { cohort: 2 } },
    data: { clients: 2, partition: { scheme: "natural" }, ...given },
    model: model ?? { name: "gcn", hidden: [4, 5], dropout: 0 },
    training: { batchSize: 16, learningRate: 0.3, ...training },
    ...rest,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, data, identity, 0, "graph");
}
