import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { diloco } from "./diloco.ts";
import { ANCHOR, fedamd, MINER } from "./fedamd.ts";
import { fedau } from "./fedau.ts";
import { fedavg } from "./fedavg.ts";
import { fedlex, guidanceFrom } from "./fedlex.ts";
import { rerce } from "./rerce.ts";

const everyone = [0, 1, 2, 3];
const problem = { ...HETEROGENEOUS, x0: [0.5, 0, -0.5] };
const always = { ...problem, cohorts: Array.from({ length: 5 }, () => everyone) };

/** Five clients with minima 0 to 4 and one coordinate; their joint optimum is 2. */
const line = (cohorts: number[][]) => ({
  a: Array.from({ length: 5 }, () => [1]),
  b: [0, 1, 2, 3, 4].map((c) => [c]),
  x0: [0],
  learningRate: 0.02,
  localSteps: 2,
  cohorts,
});

describe("FedAU", () => {
  it("is FedAvg where all clients take part in every round", async () => {
    expect((await traceFederation(fedau(), always)).rounds).toEqual((await traceFederation(fedavg(), always)).rounds);
  });

  it("scales by the period of clients that take part every P rounds, which removes FedAvg's bias", async () => {
    // client i takes part in every 2^i-th round; the last period of 16 rounds is averaged
    const cohorts = Array.from({ length: 640 }, (_, r) => [0, 1, 2, 3, 4].filter((i) => (r + 1) % 2 ** i === 0));
    const mean = (rounds: number[][]) => rounds.slice(-160).reduce((sum, [x]) => sum + x!, 0) / 160;
    const unbiased = await traceFederation(fedau(), line(cohorts));
    const states = unbiased.clients.at(-1)!;
    expect([0, 1, 2, 3, 4].map((i) => states.get(i)!["participation"]![2])).toEqual([1, 2, 4, 8, 16]);
    expect(Math.abs(mean(unbiased.rounds) - 2)).toBeLessThan(0.1);
    expect(mean((await traceFederation(fedavg(), line(cohorts))).rounds)).toBeLessThan(0.7);
  });
});

describe("FedAMD", () => {
  it("stays where every client is always an anchor", async () => {
    const { rounds } = await traceFederation(fedamd({ anchorShare: 1 }), always);
    expect(rounds).toEqual(Array.from({ length: 5 }, () => problem.x0));
  });

  it("is gradient descent where one client is anchor and miner by turns with one local step", async () => {
    const one = { a: [[2, 1]], b: [[1, -1]], x0: [0, 0], learningRate: 0.1, localSteps: 1 };
    const turns = {
      ...fedamd(),
      assign: (_p: number, _c: unknown, _k: unknown, r: number) => [r % 2 === 1 ? ANCHOR : MINER],
    };
    const { rounds } = await traceFederation(turns, { ...one, cohorts: Array.from({ length: 8 }, () => [0]) });
    const plain = await traceFederation(fedavg(), { ...one, cohorts: Array.from({ length: 4 }, () => [0]) });
    const moved = rounds.filter((_, r) => r % 2 === 1);
    moved.flat().forEach((x, i) => {
      expect(x).toBeCloseTo(plain.rounds.flat()[i]!, 14);
    });
  });

  it("comes closer to the joint optimum than FedAvg under partial participation", async () => {
    const cohorts = Array.from({ length: 400 }, (_, r) =>
      [r % 5, (r * 2 + 1) % 5].filter((c, i, all) => all.indexOf(c) === i),
    );
    const method = fedamd({ anchorShare: 0.3 });
    const distance = (rounds: number[][]) => rounds.slice(-50).reduce((sum, [x]) => sum + Math.abs(x! - 2), 0) / 50;
    expect(distance((await traceFederation(method, line(cohorts))).rounds)).toBeLessThan(1e-3);
    expect(distance((await traceFederation(fedavg(), line(cohorts))).rounds)).toBeGreaterThan(0.01);
  });
});

describe("FedLEx", () => {
  it("is FedAvg after the exploration where every parameter has moved alike", async () => {
    const alike = {
      ...always,
      a: always.a.map(() => [1, 1, 1]),
      b: always.b.map(([c]) => [c!, c!, c!]),
      x0: [0, 0, 0],
    };
    const { rounds } = await traceFederation(fedlex(), alike);
    const plain = await traceFederation(fedavg(), { ...alike, cohorts: alike.cohorts.slice(1) });
    expect(rounds[0]).toEqual(alike.x0);
    expect(rounds.slice(1)).toEqual(plain.rounds);
  });

  it("scales the movement of every tensor to 0 to 1", () => {
    const entry = (name: string, offset: number, size: number) =>
      ({ name, offset, size, shape: [size], role: "vector", block: name, heads: 1 }) as const;
    const model = { entries: [entry("a", 0, 3), entry("b", 3, 2)], blocks: ["a", "b"], size: 5, hash: "" };
    expect([...guidanceFrom(Float64Array.of(1, 3, 2, 7, 7), model)]).toEqual([0, 1, 0.5, 1, 1]);
  });
});

describe("DiLoCo", () => {
  it("keeps the optimizer of a client while others train: two rounds of K steps are one of 2 K", async () => {
    // with server rate 1 and no momentum one client's model goes on where it was
    const plain = () => diloco({ serverLearningRate: 1, serverMomentum: 0 });
    const alone = {
      a: [
        [1, 3],
        [2, 1],
      ],
      b: [
        [1, -2],
        [0, 5],
      ],
      x0: [0.3, 0.1],
      learningRate: 0.05,
    };
    const twice = await traceFederation(plain(), { ...alone, localSteps: 4, cohorts: [[0], [0]] });
    const once = await traceFederation(plain(), { ...alone, localSteps: 8, cohorts: [[0]] });
    twice.rounds[1]!.forEach((x, i) => {
      expect(x).toBeCloseTo(once.rounds[0]![i]!, 13);
    });
    const stranger = await traceFederation(plain(), { ...alone, localSteps: 4, cohorts: [[0], [1], [0]] });
    expect(stranger.clients[1]!.get(0)).toEqual(twice.clients[0]!.get(0));
  });
});

describe("RERCE-Fed", () => {
  it("finds the joint optimum at full participation without noise", async () => {
    const problem = line(Array.from({ length: 100 }, () => [0, 1, 2, 3, 4]));
    const { rounds } = await traceFederation(rerce(), { ...problem, learningRate: 0.3 });
    expect(rounds.at(-1)![0]).toBeCloseTo(2, 6);
  });

  it("has the continual form as its own, where all clients send in every round", async () => {
    const settled = { ...always, localSteps: 400 }; // until the local argmin is reached
    const basic = await traceFederation(rerce(), settled);
    const continual = await traceFederation(rerce({ continual: true, participants: 4 }), settled);
    // z of the continual form is the s that the basic one would send: 2 z+ - z
    const [before, last] = basic.rounds.slice(-2);
    continual.rounds.at(-1)!.forEach((s, i) => {
      expect(s).toBeCloseTo(2 * last![i]! - before![i]!, 10);
    });
  });

  it("keeps silent clients' models in place until they have heard something", async () => {
    const method = {
      ...rerce({ continual: true }),
      assign: (_p: number, cohort: readonly number[], _k: unknown, r: number) =>
        cohort.map((c) => (r === 1 || c === 0 ? 0 : 1)),
    };
    const { clients } = await traceFederation(method, { ...always, cohorts: always.cohorts.slice(0, 3) });
    for (const client of [1, 2, 3])
      expect(clients[2]!.get(client)!["model"]).toEqual(clients[0]!.get(client)!["model"]);
    expect(clients[2]!.get(0)!["model"]).not.toEqual(clients[0]!.get(0)!["model"]);
  });
});
