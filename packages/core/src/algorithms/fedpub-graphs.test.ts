import { constant, evaluate, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { featuresOnNoise, randomGraph } from "../client/random-inputs.ts";
import { functionalSimilarity, normalisedRows } from "../clustering/index.ts";
import type { ConfigInput } from "../config/index.ts";
import { type BlockGraphSettings, blockGraph, splitByClass } from "../data/index.ts";
import { runGolden } from "../golden/index.ts";
import { gcn } from "../models/gcn.ts";
import { entryView } from "../params/layout.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { graphRun } from "../simulation/testing/small-graph.ts";

/** A run with what clients keep and the embeddings of the last round, both by client. */
async function observe(prepared: ReturnType<typeof graphRun>) {
  const { plan, simulation } = prepared;
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const clientStates = memoryClientStates();
  const updates = new Map<number, Readonly<Record<string, ArrayLike<number>>>>();
  const spied: typeof backend = {
    ...backend,
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("update" in outcome) {
        const { client, vectors } = outcome.update;
        const copies = Object.entries(vectors).map(([name, vector]) => [name, Float64Array.from(vector)] as const);
        updates.set(client, Object.fromEntries(copies));
      }
      return outcome;
    },
  };
  const ports = { checkpoints: memoryBlobStore(), clientStates, emit: () => {} };
  await runFederation(plan, { backend: spied, evaluator, ...ports });
  const clients = Array.from({ length: plan.population }, (_, client) => client);
  const masks = await Promise.all(
    clients.map(async (client) => Array.from((await clientStates.load(client))!["mask"]!, (m) => 1 + m)),
  );
  return { masks, updates: clients.map((client) => updates.get(client)!) };
}

const graphs = { name: "fedpub", embedding: "features", probes: 40 };

describe("fedpub on a graph", () => {
  it("takes the step and sends the embedding of the golden operation", async () => {
    const [rate, sparsity] = [0.3, 0.05];
    const prepared = graphRun({ rounds: 1, algorithm: { ...graphs, maskSparsity: sparsity, probeSeed: 3 } });
    const { plan, simulation } = prepared;
    const { masks, updates } = await observe(prepared);
    const { layout, payloads } = plan;
    const entry = (name: string) => layout.entries.find((one) => one.name === name)!;
    const rows = (values: ArrayLike<number>, [height = 0, width = 0]: readonly number[]) =>
      Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => values[i * width + j]!));
    const transposed = (m: number[][]) => m[0]!.map((_, j) => m.map((row) => row[j]!));
    const weight = (name: string, of: ArrayLike<number>) =>
      transposed(rows(entryView(of as Float64Array, entry(name)), entry(name).shape));
    const bias = (name: string, of: ArrayLike<number>) => [...entryView(of as Float64Array, entry(name))];
    const network = (of: ArrayLike<number>) => ({
      ...{ W1: weight("conv1.weight", of), b1: bias("conv1.bias", of) },
      ...{ W2: weight("conv2.weight", of), b2: bias("conv2.bias", of) },
      ...{ Wc: weight("classifier.weight", of), bc: bias("classifier.bias", of) },
    });
    const graphOf = ({
      features,
      from,
      to,
    }: Record<"features" | "from" | "to", { data: ArrayLike<number>; shape: readonly unknown[] }>) => {
      const n = features.shape[0] as number;
      const adjacency = Array.from({ length: n }, () => new Array<number>(n).fill(0));
      for (let e = 0; e < from.data.length; e++) {
        if (from.data[e] !== to.data[e]) adjacency[to.data[e]!]![from.data[e]!] = 1;
      }
      return { adjacency, x: rows(features.data, features.shape as number[]) };
    };
    const ones = (m: number[][]) => m.map((row) => row.map(() => 1));
    const minus = (a: number[][], b: number[][], c = 1) => a.map((row, i) => row.map((v, j) => v - c * b[i]![j]!));
    const near = (a: number[][], b: number[][]) => {
      for (const [i, row] of a.entries()) for (const [j, v] of row.entries()) expect(v).toBeCloseTo(b[i]![j]!, 10);
    };
    const drawn = randomGraph(40, 3, deriveKey(rootKey(3), "random-inputs"));
    const traced = (name: "features" | "from" | "to") => evaluate(drawn[name]);
    const proxy = graphOf({ features: traced("features"), from: traced("from"), to: traced("to") });
    for (const client of [0, 1]) {
      const { features, labels, graph } = openDataSource(simulation.train).load(client);
      const y = new Array<number>(graph!.features.shape[0]!).fill(0);
      for (const [i, node] of Array.from(features.data).entries()) y[node] = labels.data[i]!;
      const start = network(plan.initial);
      const { W1, W2, Wc } = start;
      const given = {
        ...graphOf(graph!),
        ...{ y, train: [...features.data], parameters: start, received: start },
        masks: { W1: ones(W1), W2: ones(W2), Wc: ones(Wc) },
        ...{ lambda1: sparsity, lambda2: 1e-3, proxy },
      };
      type Found = {
        gradParameters: typeof start;
        gradMasks: Pick<typeof start, "W1" | "W2" | "Wc">;
        embedding: number[];
      };
      const golden = (input: object) => runGolden({ operation: "fedpub/client", input }) as Promise<Found>;
      const { gradParameters, gradMasks } = await golden(given);
      const end = network(plan.initial.map((value, k) => value + updates[client]!["delta"]![k]!));
      near(end.W1, minus(W1, gradParameters.W1, rate));
      near(end.Wc, minus(Wc, gradParameters.Wc, rate));
      near([end.b2], minus([start.b2], [gradParameters.b2], rate));
      const kept = payloads.clientState["mask"]!;
      const mask = (name: string) => {
        const place = kept.entries.find((one) => one.name === name)!;
        return transposed(rows(entryView(Float64Array.from(masks[client]!), place), place.shape));
      };
      const trained = { W1: mask("conv1.weight"), W2: mask("conv2.weight"), Wc: mask("classifier.weight") };
      near(trained.W2, minus(ones(W2), gradMasks.W2, rate));
      const { embedding } = await golden({ ...given, parameters: end, masks: trained });
      near([embedding], [[...Array.from(updates[client]!["outputs"]!)]]);
    }
  });

  it("keeps masks that are the sparser the larger lambda1 is", async () => {
    const shares = [];
    for (const maskSparsity of [0, 0.06, 0.2]) {
      const { masks } = await observe(graphRun({ rounds: 12, algorithm: { ...graphs, maskSparsity } }));
      const sizes = masks.flat().map(Math.abs);
      shares.push(sizes.filter((size) => size < 0.75).length / sizes.length);
    }
    expect(shares[1]).toBeGreaterThan(shares[0]!);
    expect(shares[2]).toBeGreaterThan(shares[1]!);
  });

  it("mixes models within groups of blocks at a high temperature, and all alike at 0", async () => {
    const blocks: BlockGraphSettings = {
      ...{ blocks: 4, nodesPerBlock: 24, groups: 2, classes: 3, features: 6, inside: 0.2, between: 0.02 },
    };
    const data = splitByClass(blockGraph(rootKey(4), blocks), 0.4, rootKey(5));
    const more: ConfigInput = {
      ...{ rounds: 30, algorithm: { ...graphs, temperature: 200 }, sampler: { cohort: 4 } },
      ...{ data: { clients: 4, partition: { scheme: "natural" } }, model: { name: "gcn", hidden: [8, 8], dropout: 0 } },
      training: { batchSize: 24, learningRate: 0.8 },
    };
    const { updates } = await observe(graphRun(more, data));
    const embeddings = updates.map((vectors) => Float64Array.from(vectors["outputs"]!));
    const inGroup = (temperature: number) => {
      const shares = normalisedRows(functionalSimilarity(embeddings, temperature)).map(({ nodes, weights }, client) => {
        const own = nodes.map((node) => Math.floor(node / 2) === Math.floor(client / 2));
        return weights.reduce((sum, weight, k) => sum + (own[k] ? weight : 0), 0);
      });
      return shares.reduce((a, b) => a + b, 0) / shares.length;
    };
    expect(inGroup(200)).toBeGreaterThan(0.9);
    expect(inGroup(0)).toBeCloseTo(0.5, 12);
  });
});

describe("the random graph that models are compared on", () => {
  it("has five groups without edges between them, edges at 0.1 inside, and standard normal features", () => {
    const graph = randomGraph(500, 8, rootKey(1));
    const [from, to] = [evaluate(graph.from).data, evaluate(graph.to).data];
    let inside = 0;
    for (let e = 0; e < from.length; e++) {
      if (from[e] === to[e]) continue;
      expect(Math.floor(from[e]! / 100)).toBe(Math.floor(to[e]! / 100));
      inside++;
    }
    const pairs = 5 * 100 * 99; // both ways
    expect(Math.abs(inside - 0.1 * pairs)).toBeLessThan(5 * Math.sqrt(2 * pairs * 0.09));
    const values = Array.from(evaluate(graph.features).data as Float64Array);
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / 4000)).toBeLessThan(5 / Math.sqrt(4000));
    expect(Math.abs(values.reduce((a, b) => a + b * b, 0) / 4000 - 1)).toBeLessThan(5 * Math.sqrt(2 / 4000));
  });

  it("is the same for all, and another for another seed", () => {
    const model = gcn({ input: [2], hidden: [3], classes: 2, dropout: 0 });
    const parameters = Object.fromEntries(
      model.parameters.map(({ name, shape }, i) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [
          name,
          constant(
            Float64Array.from({ length: size }, (_, k) => Math.sin(i + 2 * k)),
            shape,
          ),
        ];
      }),
    );
    const found = (seed: number) => [...evaluate(featuresOnNoise(model, parameters, 30, seed)).data];
    expect(found(1)).toHaveLength(3);
    expect(found(1)).toEqual(found(1));
    expect(found(1)).not.toEqual(found(2));
  });
});
