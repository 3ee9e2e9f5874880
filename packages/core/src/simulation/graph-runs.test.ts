import { interpreter, loadProgram } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { runClient } from "../client/run-client.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { simulateSmall } from "../conformance/small-live-run.ts";
import { TASK_KEYS, taskKeys } from "../protocol/stage.ts";
import { rootKey } from "../random/index.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { edges, FEATURES, featureOf, graphRun, labelOf, NODES, ownerOf, smallGraph } from "./testing/small-graph.ts";

type Matrix = number[][];
type Network = Record<string, Matrix>;

const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const zip = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((value, j) => f(value, b[i]![j]!)));
const columns = (a: Matrix): Matrix => [a[0]!.map((_, j) => a.reduce((sum, row) => sum + row[j]!, 0))];
const plus = (a: Matrix, [bias]: Matrix): Matrix => a.map((row) => row.map((value, j) => value + bias![j]!));

/** D^-1/2 (A + I) D^-1/2 among some nodes, written out. */
function propagation(nodes: readonly number[]): Matrix {
  const linked = (a: number, b: number) =>
    a === b || edges.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  const degree = (a: number) => nodes.filter((b) => linked(a, b)).length;
  return nodes.map((a) => nodes.map((b) => (linked(a, b) ? 1 / Math.sqrt(degree(a) * degree(b)) : 0)));
}

/** Two convolutions and a classifier on a graph: probabilities, and one gradient step on the loss of some nodes. */
function network(nodes: readonly number[], at: Network) {
  const a = propagation(nodes);
  const x = nodes.map((node) => Array.from({ length: FEATURES }, (_, j) => Math.fround(featureOf(node, j))));
  const relu = (m: Matrix) => m.map((row) => row.map((value) => Math.max(0, value)));
  const z1 = plus(times(times(a, x), at["conv1.weight"]!), at["conv1.bias"]!);
  const z2 = plus(times(times(a, relu(z1)), at["conv2.weight"]!), at["conv2.bias"]!);
  const h = relu(z2);
  const logits = plus(times(h, at["classifier.weight"]!), at["classifier.bias"]!);
  const p = logits.map((row) => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return row.map((value) => Math.exp(value) / total);
  });
  const step = (trained: readonly number[], rate: number): Network => {
    const g = p.map((row, i) => {
      const isTrained = trained.includes(nodes[i]!);
      return row.map((value, c) => (isTrained ? (value - (c === labelOf(nodes[i]!) ? 1 : 0)) / trained.length : 0));
    });
    const slope = (value: number, z: number) => (z > 0 ? value : 0);
    const g2 = zip(times(g, transposed(at["classifier.weight"]!)), z2, slope);
    // the propagation matrix is symmetric
    const g1 = zip(times(a, times(g2, transposed(at["conv2.weight"]!))), z1, slope);
    const gradients: Network = {
      "classifier.weight": times(transposed(h), g),
      "classifier.bias": columns(g),
      "conv2.weight": times(transposed(times(a, relu(z1))), g2),
      "conv2.bias": columns(g2),
      "conv1.weight": times(transposed(times(a, x)), g1),
      "conv1.bias": columns(g1),
    };
    const moved = Object.entries(at).map(([name, w]) => [name, zip(w, gradients[name]!, (v, d) => v - rate * d)]);
    return Object.fromEntries(moved) as Network;
  };
  return { p, step };
}

/** Entries of a flat vector by name; a bias is one row. */
function unpacked({ plan: { layout } }: ReturnType<typeof graphRun>, vector: ArrayLike<number>): Network {
  const found = layout.entries.map(({ name, offset, shape }) => {
    const width = shape.at(-1)!;
    const rows = Array.from({ length: shape.length === 1 ? 1 : shape[0]! }, (_, i) =>
      Array.from({ length: width }, (_, j) => vector[offset + i * width + j]!),
    );
    return [name, rows] as const;
  });
  return Object.fromEntries(found);
}

const owned = (client: number) => Array.from({ length: NODES }, (_, node) => node).filter((n) => ownerOf(n) === client);
const isTest = (node: number) => node % 3 === 0;

describe("a client's task on a graph", () => {
  it("has the steps of a plain-loop network on the client's own nodes and edges, test nodes among them", async () => {
    const prepared = graphRun({ training: { localEpochs: 3 } });
    const { plan, simulation } = prepared;
    const executable = await loadProgram(interpreter(), simulation.task.program);
    for (const client of [0, 1]) {
      const { update } = await runClient(simulation.task, executable, {
        ...{ client, learningRate: 0.3, state: undefined },
        keys: taskKeys(rootKey(1), TASK_KEYS, 1)(client, 0),
        broadcast: { round: 1, vectors: { parameters: plan.initial }, scalars: {} },
        data: openDataSource(simulation.train).load(client),
      });
      const nodes = owned(client);
      let at = unpacked(prepared, plan.initial);
      const trained = nodes.filter((node) => !isTest(node));
      for (const _ of [1, 2, 3]) at = network(nodes, at).step(trained, 0.3);
      const moved = unpacked(
        prepared,
        plan.initial.map((value, k) => value + update.vectors["delta"]![k]!),
      );
      for (const [name, rows] of Object.entries(at)) {
        for (const [i, row] of rows.entries()) {
          for (const [j, value] of row.entries()) expect(moved[name]![i]![j]).toBeCloseTo(value, 12);
        }
      }
      expect(update.public.examples).toBe(trained.length);
    }
  });

  it("is judged on the client's own graph, whatever the batch and the hold-outs beside it", async () => {
    const means = [];
    for (const batch of [2, 100]) {
      const prepared = graphRun({
        rounds: 1,
        evaluation: { batch, clientEvery: 1 },
        data: { clients: 2, holdout: 0.5 },
      });
      const { history, parameters } = await simulateSmall(prepared);
      const found = [0, 1].flatMap((client) => {
        const nodes = owned(client);
        const { p } = network(nodes, unpacked(prepared, parameters));
        return nodes.flatMap((node, i) => (isTest(node) ? [-Math.log(p[i]![labelOf(node)]!)] : []));
      });
      expect(history[0]!.testLoss).toBeCloseTo(found.reduce((a, b) => a + b, 0) / found.length, 12);
      means.push(history[0]!.clientMean);
    }
    // a batch of 2 judges clients one by one, a batch of 100 both together
    expect(means[1]).toBe(means[0]);
  });

  it("of pooled clients has all edges", () => {
    const { simulation } = graphRun({ baseline: "centralized" });
    const [own, pooled] = [graphRun().simulation, simulation].map(({ train }) => openDataSource(train).load(0).graph!);
    expect(own!.features.shape).toEqual([NODES / 2, FEATURES]);
    expect(pooled!.features.shape).toEqual([NODES, FEATURES]);
    expect(pooled!.from.data.length).toBe(NODES + 2 * edges.length);
  });

  it("warns of edges that nobody has", () => {
    const lost = edges.filter(([a, b]) => ownerOf(a) !== ownerOf(b)).length;
    expect(lost).toBeGreaterThan(0);
    const messages = ({ plan }: ReturnType<typeof graphRun>) => plan.warnings!.map(({ message }) => message).join();
    expect(messages(graphRun())).toContain(`${lost} of ${edges.length} edges`);
    expect(messages(graphRun({ baseline: "centralized" }))).toBe("");
    expect(messages(graphRun({ model: { name: "mlp" } }))).toBe("");
  });

  it("counts the work of a whole graph", () => {
    const { flopsPerStep } = graphRun().plan.description;
    const products = 2 * (NODES / 2) * (FEATURES * 4 + 4 * 5);
    expect(flopsPerStep).toBeGreaterThan(3 * products);
    expect(flopsPerStep).toBeLessThan(20 * products);
  });
});

const methods: readonly [string, ConfigInput][] = [
  ...["fedavg", "fedprox", "scaffold", "fedsam", "ditto", "fedadam", "fedcac", "perfedavg", "fedrolex", "fedgh"].map(
    (name): [string, ConfigInput] => [name, { algorithm: { name } }],
  ),
  ["fedper", { algorithm: { name: "fedper" } }],
  ["fedrep", { algorithm: { name: "fedrep" } }],
  ["ifca", { algorithm: { name: "ifca", clusters: 2 } }],
  ["muon", { algorithm: { name: "local", optimizer: "muon" } }],
  ["fedpub", { algorithm: { name: "fedpub", embedding: "features", probes: 20 } }],
  ["fedpub by outputs", { algorithm: { name: "fedpub", probes: 20 } }],
  ["local only", { baseline: "local-only" }],
  ["centralized", { baseline: "centralized" }],
  [
    "a private mean",
    { algorithm: { name: "dp-fedavg" }, privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 } },
  ],
  ["dropout", { model: { name: "gcn", hidden: [4], dropout: 0.5 } }],
  ["low-rank adapters", { adapters: { rank: 1 } }],
  ["communities", { data: { clients: 3, partition: { scheme: "communities" } }, sampler: { cohort: 3 } }],
  ["label skew", { data: { clients: 2, partition: { scheme: "dirichlet", alpha: 5 } } }],
  ["a model of single nodes", { model: { name: "mlp", hidden: [4] } }],
];

describe("graphs train without an edit", () => {
  it.each(methods)("%s", async (_, more) => {
    const result = await simulateSmall(graphRun(more));
    expect(result.stopped).toBe("finished");
    expect(result.parameters.every(Number.isFinite)).toBe(true);
    expect((await simulateSmall(graphRun(more))).modelHash).toBe(result.modelHash);
  });
});

describe("models of nodes refuse", () => {
  const { train, test } = smallGraph();
  const { graph: _a, ...points } = train;
  const { graph: _b, ...others } = test;

  it.each<[string, ConfigInput, string, RegExp]>([
    [
      "privacy for single nodes",
      {
        algorithm: { name: "diff2", protects: "records" },
        training: { batchSize: 1 },
        privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.01 },
        evaluation: { every: 0 },
      },
      "config/conflict",
      /model.name.*"gcn".*record level.*neighbours/s,
    ],
    ["a shift", { data: { shift: { kind: "labels" } } }, "config/conflict", /data.shift.kind/],
    [
      "a controller of adapters",
      { adapters: { rank: [2, 1], rule: "zero-pad", controller: "fedpipe" }, training: { localSteps: 2 } },
      "config/conflict",
      /adapters.controller.*depends on a client's graph/s,
    ],
    ["attacks on data", { attack: { name: "label-flip" } }, "config/conflict", /attack on updates/],
    ["examples of the server", { aggregation: { rule: "fltrust", root: 2 } }, "config/conflict", /aggregation.rule/],
    [
      "hidden labels",
      { data: { unlabelled: { share: 0.5 } }, training: { openWorld: { margin: 1 } } },
      "config/conflict",
      /unlabelled/,
    ],
  ])("%s", (_, more, code, why) => {
    let caught: unknown;
    try {
      graphRun(more);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code });
    expect(String(caught)).toMatch(why);
  });

  it("live runs", () => {
    expect(() => forLiveClients(graphRun(), resolveConfig({ model: { name: "gcn" } }))).toThrow(/"gcn", in a live run/);
  });

  it("data without edges", () => {
    expect(() => graphRun({}, { train: points, test: others })).toThrow(
      expect.objectContaining({ code: "model/graph" }),
    );
  });
});
