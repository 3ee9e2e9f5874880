import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { recording, traceFederation } from "../simulation/trace-federation.ts";
import { adaptiveClusters } from "./adaptive-clusters.ts";
import type { Algorithm, RoundContext, ServerState } from "./algorithm.ts";
import { clusteredState, clusterModel, clustersOf } from "./clusters.ts";
import { fedavg } from "./fedavg.ts";
import { ifca } from "./ifca.ts";
import { ocfl } from "./ocfl.ts";

/** Minima of clients 0 to 5: the even ones pull right, the odd ones up. */
const minima = [
  [4, 0.2],
  [0.1, 3],
  [3.8, -0.1],
  [-0.2, 3.3],
  [4.1, 0.1],
  [0.2, 2.9],
];
const curvatures = minima.map((_, i) => [1 + 0.05 * i, 1.2 - 0.05 * i]);
const everyone = [0, 1, 2, 3, 4, 5];
const problem: Quadratics = {
  a: curvatures,
  b: minima,
  x0: [-1, -1],
  learningRate: 0.1,
  localSteps: 2,
  cohorts: Array.from({ length: 6 }, () => everyone),
};

async function statesOf(method: Algorithm, given: Quadratics = problem): Promise<ServerState[]> {
  const states: ServerState[] = [];
  await traceFederation(
    recording(method, (_x, state) => states.push(state)),
    given,
  );
  return states;
}

/** Two local steps of a client from a model, by hand. */
function trained(client: number, from: readonly number[]): number[] {
  const step = (x: readonly number[]) =>
    x.map((value, j) => value - 0.1 * curvatures[client]![j]! * (value - minima[client]![j]!));
  return step(step(from));
}
const lossOf = (client: number, x: readonly number[]) =>
  x.reduce((sum, value, j) => sum + 0.5 * curvatures[client]![j]! * (value - minima[client]![j]!) ** 2, 0);
const average = (rows: readonly (readonly number[])[]) =>
  rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);

describe("IFCA", () => {
  const starts = [
    [1, 0],
    [0, 1],
    [50, 50],
  ];
  const method = ifca({ clusters: 3 });
  const started: Algorithm = {
    ...method,
    init: (x, model) =>
      method.init(
        x,
        model,
        starts.map((start) => Float64Array.from(start)),
      ),
  };

  it("trains and averages by the smallest loss, as plain loops do; a model that nobody chose stays", async () => {
    const cohorts = [everyone, [0, 3], [1, 2, 5]];
    const states = await statesOf(started, { ...problem, cohorts });
    let models = starts;
    for (const [round, cohort] of cohorts.entries()) {
      const choices = cohort.map((client) => {
        const losses = models.map((model) => lossOf(client, model));
        return losses.indexOf(Math.min(...losses));
      });
      models = models.map((model, j) => {
        const members = cohort.filter((_, k) => choices[k] === j);
        return members.length === 0 ? model : average(members.map((client) => trained(client, model)));
      });
      const found = clustersOf(states[round]!);
      for (const [j, model] of models.entries()) {
        expect(Array.from(found.models[j]!)).toEqual(model.map((x) => expect.closeTo(x, 12)));
      }
      for (const [k, client] of cohort.entries()) expect(found.assignment[client]).toBe(choices[k]);
    }
    expect(Array.from(clustersOf(states.at(-1)!).models[2]!)).toEqual([50, 50]);
  });

  it("chooses the first of equal models", async () => {
    const states = await statesOf(ifca({ clusters: 2 }));
    expect(clustersOf(states.at(-1)!).assignment).toEqual([0, 0, 0, 0, 0, 0]);
    expect((await statesOf(fedavg())).at(-1)!.vectors.parameters).toEqual(clustersOf(states.at(-1)!).models[0]);
  });

  it("needs a cluster", () => {
    expect(() => ifca({ clusters: 0 })).toThrow();
  });
});

describe("OCFL", () => {
  it("fires once and then is FedAvg inside each cluster", async () => {
    const states = await statesOf(ocfl());
    const fired = states.map(({ scalars }) => scalars.fired);
    const first = fired.indexOf(1);
    expect(first).toBeGreaterThan(0);
    expect(fired.slice(first)).toEqual(fired.slice(first).map(() => 1));
    expect(clustersOf(states.at(-1)!).assignment).toEqual([0, 1, 0, 1, 0, 1]);
    const before = Array.from(states[first]!.vectors.parameters);
    const even = { ...problem, x0: before, cohorts: problem.cohorts.slice(first + 1).map(() => [0, 2, 4]) };
    const alone = await traceFederation(fedavg(), even);
    expect(alone.rounds.at(-1)).toEqual(Array.from(clustersOf(states.at(-1)!).models[0]!));
  });

  it("does not fire where updates agree more and more", async () => {
    const alike = { ...problem, b: minima.map(() => [1, 1]), a: minima.map(() => [1, 1]) };
    const states = await statesOf(ocfl(), alike);
    expect(states.at(-1)!.scalars.fired).toBe(0);
  });
});

describe("adaptive clusters", () => {
  it("finds what OCFL finds, and more where there is more", async () => {
    const found = async (options: Parameters<typeof adaptiveClusters>[0]) =>
      clustersOf((await statesOf(adaptiveClusters(options))).at(-1)!).assignment;
    expect(await found({ warmup: 1, every: 1, distance: 0.3 })).toEqual([0, 1, 0, 1, 0, 1]);
    expect(await found({ warmup: 6, every: 1, distance: 0.3 })).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(await found({ warmup: 0, every: 1, distance: 0, minimumClients: 1 })).size).toBeGreaterThan(3);
  });

  it("takes shrinking steps with Reptile", async () => {
    const plain = await statesOf(adaptiveClusters({ distance: 3 }));
    const shrinking = await statesOf(adaptiveClusters({ distance: 3, reptileRounds: 6 }));
    expect(shrinking[0]!.vectors.parameters).toEqual(plain[0]!.vectors.parameters);
    const moved = (states: readonly ServerState[]) =>
      Math.hypot(...states[5]!.vectors.parameters.map((x, j) => x - states[4]!.vectors.parameters[j]!));
    expect(moved(shrinking)).toBeLessThan(0.5 * moved(plain));
  });
});

describe("a server with clusters", () => {
  const space = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);
  const about = { population: 4, learningRate: 0.1, localSteps: 1, weightedSteps: 1, layout: space };
  const round = (number: number, clients: readonly number[]): RoundContext => {
    return { ...about, round: number, cohortSize: clients.length, clients };
  };
  const start = () => clusteredState({ models: [Float64Array.of(1), Float64Array.of(5)], assignment: [0, 1, 0, 1] });

  it("serves each client the model of its cluster, and unknown ones the first", () => {
    expect([0, 1, 2, 9].map((client) => clusterModel(start(), client)[0])).toEqual([1, 5, 1, 1]);
  });

  it("shows the model of most clients, of equally many the first", () => {
    expect(start().vectors.parameters[0]).toBe(1);
    const models = [Float64Array.of(1), Float64Array.of(5)];
    expect(clusteredState({ models, assignment: [0, 1, 1] }).vectors.parameters[0]).toBe(5);
  });

  it("does not divide clusters in a round in which a client failed", () => {
    const method = ocfl();
    const hot: ServerState = { ...start(), scalars: { temperature: 0, fired: 0 } };
    const delta = Float64Array.of(1, -1, 1);
    const next = method.update(hot, { delta }, round(2, [0, 1, 2]));
    expect(next.scalars).toEqual({ temperature: 0, fired: 0 });
    expect(clustersOf(next).models.map(([x]) => x)).toEqual([2, 4]);
  });

  it("leaves its inputs as they are, in any order of clients", () => {
    const method = adaptiveClusters({ warmup: 0, every: 1, minimumClients: 2 });
    const [one, other] = [method.init(Float64Array.of(0), space), method.init(Float64Array.of(0), space)];
    const straight = method.update(one, { delta: Float64Array.of(1, -1, 1, -1) }, round(1, [0, 1, 2, 3]));
    const turned = method.update(other, { delta: Float64Array.of(-1, -1, 1, 1) }, round(1, [3, 1, 0, 2]));
    expect(turned).toEqual(straight);
    expect(clustersOf(straight).assignment).toEqual([0, 1, 0, 1]);
    expect(one).toEqual(other);
  });
});
