import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { BLOCK_GRAPH, blockGraph } from "./block-graph.ts";
import { type ArrayDataset, checkDataset, selectRows } from "./dataset.ts";
import { federate } from "./federated.ts";
import { datasetHash } from "./hash.ts";
import { neighbourGraph } from "./neighbour-graph.ts";
import { createPartitioner } from "./partitioners/index.ts";
import { readCitations } from "./readers/index.ts";
import { adjacencyOf } from "./row-graph.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Nodes with one feature and one class, and edges between some of them. */
function graphOf(nodes: readonly number[], edges: readonly number[]): ArrayDataset {
  const n = nodes.length;
  return {
    name: "some",
    features: { dtype: "float", shape: [n, 1], data: Float32Array.from(nodes) },
    labels: { dtype: "uint8", shape: [n], data: Uint8Array.from(nodes, (node) => node % 2) },
    classes: 2,
    graph: { nodes: Int32Array.from(nodes), edges: Int32Array.from(edges) },
  };
}

describe("communities", () => {
  const find = (edges: readonly number[], nodes: number, clients: number, seed = 1) => {
    const context = { key: rootKey(seed), classes: 1, clients, neighbours: adjacencyOf(nodes, edges) };
    return createPartitioner("communities").partition(new Uint8Array(nodes), context).clients;
  };

  it("are cliques with few edges between them", () => {
    const edges: number[] = [];
    for (let clique = 0; clique < 4; clique++) {
      for (let a = 0; a < 6; a++) for (let b = 0; b < a; b++) edges.push(6 * clique + a, 6 * clique + b);
      edges.push(6 * clique, (6 * clique + 6) % 24);
    }
    const cliques = [0, 1, 2, 3].map((c) => Array.from({ length: 6 }, (_, i) => 6 * c + i));
    for (const seed of [1, 2, 3]) expect(find(edges, 24, 4, seed).map((rows) => [...rows])).toEqual(cliques);
  });

  it("have every node once, as many as clients, decided by the key, none larger than twice the mean", () => {
    const someEdges = fc.array(fc.nat(29), { maxLength: 120 });
    fc.assert(
      fc.property(someEdges, fc.integer({ min: 1, max: 10 }), fc.nat(50), (ends, clients, seed) => {
        const found = find(ends.slice(0, ends.length - (ends.length % 2)), 30, clients, seed);
        expect(found).toHaveLength(clients);
        expect(found.flatMap((rows) => [...rows]).sort((a, b) => a - b)).toEqual([...Array(30).keys()]);
        expect(Math.max(...found.map(({ length }) => length))).toBeLessThanOrEqual((2 * 30) / clients);
        const again = find(ends.slice(0, ends.length - (ends.length % 2)), 30, clients, seed);
        expect(again).toEqual(found);
      }),
      { numRuns: 60 },
    );
  });

  it("need a graph, and no more clients than nodes", () => {
    const context = { key: rootKey(1), classes: 1, clients: 2 };
    const partitioner = createPartitioner("communities");
    expect(() => partitioner.partition(new Uint8Array(4), context)).toThrow(
      expect.objectContaining({ code: "partition/no-graph" }),
    );
    expect(() => find([0, 1], 2, 3)).toThrow(expect.objectContaining({ code: "partition/too-many-clients" }));
  });
});

describe("the partition of a graph", () => {
  // triangles of 10, 20, 50 and 30, 40, 60
  const edges = [10, 20, 20, 50, 50, 10, 30, 40, 40, 60, 60, 30, 20, 30, 20, 99];
  const train = graphOf([10, 20, 30, 40], edges);
  const test = graphOf([50, 60], edges);
  const dealt = (seed = 1) =>
    federate({ train, test }, createPartitioner("communities"), { key: rootKey(seed), clients: 2 });

  it("gives each client training and test nodes of its community, and counts edges that are lost", () => {
    const { partition, graph } = dealt();
    expect(partition.clients.map((rows) => [...rows])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(graph!.test.clients.map((rows) => [...rows])).toEqual([[0], [1]]);
    // 20 - 30 leads from one to the other; node 99 is in neither set
    expect(graph!.edges).toEqual({ all: 7, lost: 1 });
  });

  it("has test examples that are the clients' own, whatever the data say", () => {
    const rowsOf = (testRows?: "clients" | "separate") =>
      federate({ train, test, ...(testRows && { testRows }) }, createPartitioner("communities"), {
        key: rootKey(1),
        clients: 2,
      }).testRows;
    expect([rowsOf(), rowsOf("separate"), rowsOf("clients")]).toEqual(["clients", "clients", "clients"]);
  });

  it("is another data set where edges differ", () => {
    const other = { ...train, graph: { ...train.graph!, edges: train.graph!.edges.slice(2) } };
    expect(datasetHash(other)).not.toBe(datasetHash(train));
    expect(datasetHash(selectRows(train, [0, 1, 2, 3]))).toBe(datasetHash(train));
  });

  it("is refused where it does not fit its examples", () => {
    const code = expect.objectContaining({ code: "data/graph" });
    const with_ = (graph: object) => ({ ...train, graph: { ...train.graph!, ...graph } });
    expect(() => checkDataset(with_({ nodes: Int32Array.of(1) }))).toThrow(code);
    expect(() => checkDataset(with_({ edges: Int32Array.of(1) }))).toThrow(code);
    const same = { train, test: train };
    expect(() => federate(same, createPartitioner("iid"), { key: rootKey(1), clients: 2 })).toThrow(code);
    const { graph: _, ...plain } = test;
    const mixed = { train, test: plain };
    expect(() => federate(mixed, createPartitioner("iid"), { key: rootKey(1), clients: 2 })).toThrow(
      expect.objectContaining({ code: "data/mismatch" }),
    );
    const empty = { train: selectRows(train, [0, 1]), test: graphOf([30, 40], []) };
    const two = { key: rootKey(1), clients: 2 };
    const owned = {
      train: { ...empty.train, groups: Int32Array.of(0, 0) },
      test: { ...empty.test, groups: Int32Array.of(1, 1) },
    };
    expect(() => federate(owned, createPartitioner("natural"), two)).toThrow(
      expect.objectContaining({ code: "partition/empty-client" }),
    );
  });
});

describe("a graph of neighbours", () => {
  it("links examples that look alike, on their principal components", () => {
    const angles = [0, 0.1, 0.2, 3, 3.1, 3.2];
    const data = Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle), 0]));
    const set: ArrayDataset = {
      ...graphOf([0, 1, 2, 3, 4, 5], []),
      features: { dtype: "float", shape: [6, 3], data },
    };
    const found = neighbourGraph(set, { components: 2, neighbours: 2 });
    const { offsets, targets } = adjacencyOf(6, found.graph!.edges);
    for (let i = 0; i < 6; i++) {
      const near = [...targets.subarray(offsets[i], offsets[i + 1])];
      expect(near).toEqual([0, 1, 2].map((k) => k + 3 * Math.floor(i / 3)).filter((k) => k !== i));
    }
    const { data: values } = found.features;
    expect(found.features.shape).toEqual([6, 2]);
    const squares = Array.from(values as Float32Array, (value) => value * value);
    expect(squares.reduce((a, b) => a + b, 0) / 12).toBeCloseTo(1, 5);
    // distances in the plane are kept, up to the common factor
    const far = (a: number, b: number) =>
      Math.hypot(values[2 * a]! - values[2 * b]!, values[2 * a + 1]! - values[2 * b + 1]!);
    const true_ = (a: number, b: number) =>
      Math.hypot(data[3 * a]! - data[3 * b]!, data[3 * a + 1]! - data[3 * b + 1]!);
    expect(far(0, 4) / far(0, 1)).toBeCloseTo(true_(0, 4) / true_(0, 1), 4);
  });

  it("needs more examples than neighbours, and no more components than features", () => {
    const set = graphOf([0, 1, 2], []);
    for (const settings of [
      { components: 2, neighbours: 1 },
      { components: 1, neighbours: 3 },
    ])
      expect(() => neighbourGraph(set, settings)).toThrow(expect.objectContaining({ code: "data/graph" }));
  });
});

describe("a graph of blocks", () => {
  it("has as many edges inside and between blocks as its probabilities give, within five standard deviations", () => {
    const { graph, groups } = blockGraph(rootKey(3), BLOCK_GRAPH);
    const counts = { inside: 0, between: 0 };
    for (let k = 0; k < graph!.edges.length; k += 2) {
      const [a, b] = [graph!.edges[k]!, graph!.edges[k + 1]!];
      counts[groups![a] === groups![b] ? "inside" : "between"]++;
    }
    const pairs = { inside: (8 * 60 * 59) / 2, between: (480 * 420) / 2 };
    for (const where of ["inside", "between"] as const) {
      const p = BLOCK_GRAPH[where];
      const deviation = Math.sqrt(pairs[where] * p * (1 - p));
      expect(Math.abs(counts[where] - pairs[where] * p)).toBeLessThan(5 * deviation);
    }
  });
});

describe("the files of a citation graph", () => {
  const read = (content: string, cites: string) =>
    readCitations({ content: bytes(content), cites: bytes(cites) }, { name: "papers" });

  it("are nodes by line, with features as written, and edges by name", () => {
    const found = read("p1\t1\t0\tB\np2\t0\t0.5\tA\r\n\np3 1 1 B\n", "p1 p3\np3\tp2\np2 unknown\n");
    expect(found.features).toEqual({ dtype: "float", shape: [3, 2], data: Float32Array.of(1, 0, 0, 0.5, 1, 1) });
    expect([...found.labels.data]).toEqual([1, 0, 1]);
    expect(found.classNames).toEqual(["A", "B"]);
    expect([...found.graph!.edges]).toEqual([0, 2, 2, 1]);
  });

  it.each([
    ["a line of another length", "a 1 0 X\nb 1 X\n", "", "data/graph-width", /papers\.content, line 2.*3 cells/],
    ["a word for a number", "a 1 no X\n", "", "data/graph-value", /line 1.*"no"/],
    ["a number that is too large", "a 1 1e300 X\n", "", "data/graph-value", /1e300/],
    ["a node twice", "a 1 X\na 2 X\n", "", "data/graph", /line 2.*"a"/],
    ["an edge of one end", "a 1 X\n", "a\n", "data/graph-width", /papers\.cites, line 1/],
    ["no node", "\n", "", "data/empty", /papers\.content/],
  ])("are refused: %s", (_, content, cites, code, why) => {
    expect(() => read(content, cites)).toThrow(expect.objectContaining({ code }));
    expect(() => read(content, cites)).toThrow(why);
  });
});
