import type { AnabranchError } from "@anabranch/engine";
import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { decentralised, nodesOf } from "../algorithms/decentralised.ts";
import { dfedavg, dfedsam, fedavg, fedsam, singleMerging } from "../algorithms/methods.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import type { ArrayDataset } from "../data/index.ts";
import { consensusDistance, modelOf } from "../gossip/index.ts";
import { complete, fixedTopology, graphTopology, mixingRows, range, ring } from "../topology/index.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { prepareRun } from "./prepare.ts";
import { traceFederation } from "./trace-federation.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 4], data: Float32Array.from({ length: 4 * n }, (_, i) => i / 48) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 2) },
  classes: 2,
});

const executor = { name: "none", version: "", fingerprint: "", float: "float32" } as const;

function prepare(input: ConfigInput, file?: string) {
  const config = resolveConfig({
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: { name: "dfedavg" },
    ...input,
  });
  return prepareRun(config, { train: part(24), test: part(4) }, executor, 0, "nodes", { topology: file }).plan;
}

const among = (name: string, more: object = {}): ConfigInput => ({ topology: { name, ...more } }) as ConfigInput;

function failure(input: ConfigInput, file?: string) {
  try {
    prepare(input, file);
  } catch (error) {
    return (error as AnabranchError).failure;
  }
  throw new Error("it was not refused");
}

describe("a topology", () => {
  it.each([
    ["ring", {}, 12, 2 / 3],
    ["torus", {}, 18, 1 / 2],
    ["complete", {}, 30, 0],
    ["star", {}, 10, 5 / 6],
    ["path", {}, 10, 0.911],
    ["tree", { fanout: 5 }, 10, 5 / 6],
    ["exponential", {}, 18, 1 / 2],
    ["random-regular", { degree: 3 }, 18, undefined],
  ])("%s: its links and its lambda are announced", (name, more, links, lambda) => {
    const { description, population, algorithm } = prepare(among(name, more));
    expect(description.topology).toMatchObject({ name, nodes: 6, links });
    if (lambda !== undefined) expect(description.topology!.lambda).toBeCloseTo(lambda, 3);
    expect(description.cohort).toBe(population);
    expect(algorithm.gossip).toBeDefined();
  });

  it("comes from a file of edges or of weights", () => {
    const edges = "# a ring\n0,1\n1,2\n2,3\n3,4\n4,5\n5,0\n";
    const ofEdges = prepare(among("edges", { file: "edges.csv" }), edges);
    expect(ofEdges.description.topology).toMatchObject({ links: 12, lambda: expect.closeTo(2 / 3, 9) });
    const row = (i: number) =>
      range(6)
        .map((j) => ([0, 1, 5].includes((j - i + 6) % 6) ? 0.333333333 : 0))
        .join(" ");
    const matrix = range(6).map(row).join("\n");
    const ofWeights = prepare(among("matrix", { file: "w.csv" }), matrix);
    expect(ofWeights.description.topology).toMatchObject({ links: 12, lambda: expect.closeTo(2 / 3, 6) });
    // what the file says is part of the run's identity
    expect(ofWeights.configHash).not.toBe(prepare(among("matrix", { file: "w.csv" }), `${matrix}\n\n`).configHash);
  });

  it("warns where some nodes count more than others", () => {
    const plan = prepare(among("star", { weights: "uniform" }));
    expect(plan.warnings?.map(({ code }) => code)).toContain("topology/columns");
    expect(prepare(among("ring", { weights: "uniform" })).warnings).toEqual([]);
  });

  it.each<[string, ConfigInput, string | undefined, string, RegExp]>([
    [
      "a method that needs a server",
      { ...among("ring"), algorithm: { name: "fedsam" } },
      undefined,
      "algorithm.name",
      /"dfedsam"/,
    ],
    ["a method that has none, without it", { sampler: { cohort: 6 } }, undefined, "topology.name", /e\.g\. "ring"/],
    ["degrees that no graph has", among("random-regular", { degree: 7 }), undefined, "topology.degree", /5/],
    ["rows that divide no grid", among("torus", { rows: 4 }), undefined, "topology.rows", /e\.g\. 3/],
    [
      "equal weights of unequal degrees",
      among("star", { weights: "equal" }),
      undefined,
      "topology.weights",
      /"metropolis"/,
    ],
    [
      "other weights than fixed ones",
      among("exponential", { weights: "metropolis" }),
      undefined,
      "topology.weights",
      /"equal"/,
    ],
    ["separate groups", among("edges", { file: "e" }), "0,1\n1,2\n3,4\n4,5", "topology.file", /a connected graph/],
    ["more nodes than clients", among("edges", { file: "e" }), "0,1\n1,7", "topology.file", /nodes 0 to 5/],
    ["no edges", among("edges", { file: "e" }), "0,1,2", "topology.file", /two node numbers/],
    [
      "rows without the sum 1",
      among("matrix", { file: "m" }),
      range(6)
        .map(() => "1 1 0 0 0 0")
        .join("\n"),
      "topology.file",
      /sum of 1/,
    ],
    [
      "weights below 0",
      among("matrix", { file: "m" }),
      range(6)
        .map(() => "2 -1 0 0 0 0")
        .join("\n"),
      "topology.file",
      /at least 0/,
    ],
    ["too few rows", among("matrix", { file: "m" }), "1", "topology.file", /6 rows/],
    [
      "a matrix of separate groups",
      among("matrix", { file: "m" }),
      range(6)
        .map((i) =>
          range(6)
            .map((j) => (i === j ? 1 : 0))
            .join(),
        )
        .join("\n"),
      "topology.file",
      /a connected graph/,
    ],
    ["a file that it does not read", among("ring", { file: "e" }), undefined, "topology.file", /nothing/],
    ["edges without a file", among("edges"), undefined, "topology.file", /a path/],
    ["keys without a topology", { topology: { degree: 3 }, sampler: { cohort: 6 } }, undefined, "topology.degree", /4/],
    ["privacy", { ...among("ring"), privacy: { mechanism: "gaussian" } }, undefined, "privacy.mechanism", /"none"/],
    [
      "secure aggregation",
      { ...among("ring"), secureAggregation: { protocol: "bonawitz" } },
      undefined,
      "secureAggregation.protocol",
      /"none"/,
    ],
    [
      "a rule of a server",
      { ...among("ring"), aggregation: { rule: "median" } },
      undefined,
      "aggregation.rule",
      /"mean"/,
    ],
    [
      "asynchronous rounds",
      { ...among("ring"), schedule: { name: "buffered" } },
      undefined,
      "schedule.name",
      /"synchronous"/,
    ],
    [
      "a window that ends before it begins",
      among("ring", { averageFrom: 9, averageTo: 3 }),
      undefined,
      "topology.averageFrom",
      /at most 3/,
    ],
  ])("refuses %s", (_what, input, file, where, expected) => {
    const found = failure(input, file);
    expect(found).toMatchObject({ code: "config/conflict", where });
    expect(found.expected).toMatch(expected);
    expect(found.advice).toMatch(/\.$/);
  });
});

it("is refused in live runs", () => {
  const config = resolveConfig({
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: { name: "dfedavg" },
    topology: { name: "ring" },
  });
  const prepared = prepareRun(config, { train: part(24), test: part(4) }, executor, 0, "live");
  expect(() => forLiveClients(prepared, config)).toThrow(/anabranch run/);
});

describe("nodes on quadratics", () => {
  const everyone = HETEROGENEOUS.a.map((_, node) => node);
  const problem = { ...HETEROGENEOUS, cohorts: range(4).map(() => everyone) };
  const nodes = everyone.length;
  const all = fixedTopology("complete", mixingRows(complete(nodes), "metropolis"));

  it.each([
    ["dfedavg", dfedavg(), fedavg()],
    ["dfedsam", dfedsam({ perturbationRadius: 0.05 }), fedsam({ perturbationRadius: 0.05 })],
  ])("%s on the complete graph is its method with a server", async (_name, method, server) => {
    const gossip = await traceFederation(decentralised(method, { topology: all }), problem);
    const central = await traceFederation(server, problem);
    for (const [round, parameters] of central.rounds.entries())
      for (const [j, value] of parameters.entries()) expect(gossip.rounds[round]![j]).toBeCloseTo(value, 12);
    expect(consensusDistance(nodesOf(gossip.server))).toBeLessThan(1e-12);
  });

  it("disagree less the more often they mix", async () => {
    const topology = graphTopology("ring", ring(nodes), "metropolis");
    const distances: number[] = [];
    for (const gossipSteps of [1, 2, 4]) {
      const { server } = await traceFederation(decentralised(dfedavg({ gossipSteps }), { topology }), problem);
      distances.push(consensusDistance(nodesOf(server)));
    }
    expect(distances[1]!).toBeLessThan(distances[0]!);
    expect(distances[2]!).toBeLessThan(distances[1]!);
  });

  it("that are not in a round keep their models, and nobody hears them", async () => {
    const topology = graphTopology("ring", ring(nodes), "metropolis");
    const cohorts = [everyone, everyone.slice(0, 2)];
    const first = await traceFederation(decentralised(dfedavg(), { topology }), { ...problem, cohorts: [everyone] });
    const second = await traceFederation(decentralised(dfedavg(), { topology }), { ...problem, cohorts });
    const [before, after] = [nodesOf(first.server), nodesOf(second.server)];
    for (const node of everyone.slice(2)) expect(modelOf(after, node)).toEqual(modelOf(before, node));
    expect(modelOf(after, 0)).not.toEqual(modelOf(before, 0));
  });

  it("merge once after the last round", async () => {
    const topology = graphTopology("ring", ring(nodes), "metropolis");
    const merging = decentralised(singleMerging(), { topology, averaging: [4, 4] });
    const { server } = await traceFederation(merging, problem);
    expect(consensusDistance(nodesOf(server))).toBe(0);
  });

  it("are counted by edge: the ring's messages, Q times, and nothing down", async () => {
    const topology = graphTopology("ring", ring(nodes), "metropolis");
    const bytes: number[] = [];
    const largest: number[] = [];
    for (const method of [dfedavg(), dfedavg({ gossipSteps: 3 }), dfedavg({ quantiserBits: 8, quantiserStep: 0.1 })]) {
      await traceFederation(decentralised(method, { topology }), problem, {
        onEvent(event) {
          if (event.type !== "round.finished" || event.round > 1) return;
          expect(event.bytesDown).toBe(0);
          bytes.push(event.bytesUp);
          largest.push(event.largestMessage!);
        },
      });
    }
    const links = topology.rows(1).reduce((sum, row) => sum + row.nodes.length - 1, 0);
    expect(bytes[0]).toBe(links * largest[0]!);
    expect(bytes[1]).toBe(3 * bytes[0]!);
    // d floats of 8 bytes become d bytes and the step
    const d = problem.x0.length;
    expect(largest[2]).toBe(largest[0]! - 8 * d + d + 4);
  });

  it("can start from models of their own", async () => {
    const topology = graphTopology("ring", ring(nodes), "metropolis");
    const start = (node: number, common: { length: number }) => new Float64Array(common.length).fill(node);
    const { server } = await traceFederation(decentralised(dfedavg(), { topology, start }), {
      ...problem,
      cohorts: [[]],
    });
    expect(range(nodes).map((node) => modelOf(nodesOf(server), node)[0])).toEqual(range(nodes));
    expect(interpreter().float).toBe("float64");
  });
});
