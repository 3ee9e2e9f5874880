import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { attacks } from "../adversary/options.ts";
import { openDataSource } from "../client/data-source.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { runInSessions } from "../conformance/testing/sessions.ts";
import type { ArrayDataset } from "../data/index.ts";
import type { EventOf, RunEvent } from "../round/events.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

/** Images of 1 x 4 x 4 pixels, of three classes. */
const images = (n: number): ArrayDataset => ({
  name: "images",
  features: {
    dtype: "uint8",
    shape: [n, 1, 4, 4],
    data: Uint8Array.from({ length: 16 * n }, (_, i) => (i * 37) % 199),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i * i) % 3) },
  classes: 3,
});

function prepare(attack: ConfigInput["attack"], more: ConfigInput = {}) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 9, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    training: { batchSize: 4, localSteps: 3, learningRate: 0.1 },
    sampler: { cohort: 7 },
    attack,
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train: images(90), test: images(9) }, identity, 0, "attacked");
}

async function run(attack: ConfigInput["attack"], more: ConfigInput = {}, cut?: number) {
  const { plan, simulation } = prepare(attack, more);
  const { result, events } = await runInSessions(plan, await inProcessSimulation(simulation, interpreter()), cut);
  const of = <T extends RunEvent["type"]>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type);
  return { hash: result.modelHash, parameters: result.parameters, stopped: result.stopped, of };
}

const names = Object.keys(attacks).filter((name) => name !== "nan");
const attackers = [1, 4];

describe("a run with attackers", () => {
  it.each(names)("gives the same bits when it is resumed, under %s", async (name) => {
    const whole = await run({ name, attackers });
    const resumed = await run({ name, attackers }, {}, 2);
    expect(resumed.hash).toBe(whole.hash);
    const clean = await run({ name: "none" });
    expect(whole.hash).not.toBe(clean.hash);
  });

  it("reports who attacked, in the run and in each round", async () => {
    const { of } = await run({ name: "min-max", attackers });
    expect(of("run.started")[0]!.attack).toMatchObject({ name: "min-max", attackers });
    const cohorts = of("round.started").map(({ cohort }) => cohort);
    for (const [i, { attack }] of of("round.finished").entries()) {
      const present = cohorts[i]!.filter((client) => attackers.includes(client));
      expect(attack?.clients ?? []).toEqual(present);
      if (present.length > 0) expect(attack!.factor).toBeGreaterThan(0);
    }
  });

  it("is a run without attackers where no attacker changes anything", async () => {
    const idle = await run({ name: "backdoor", attackers, boost: 1, share: 0.01, size: 1 }, { rounds: 1 });
    const clean = await run({ name: "none" }, { rounds: 1 });
    expect(idle.of("round.finished")[0]).not.toHaveProperty("attack");
    expect(clean.of("run.started")[0]).not.toHaveProperty("attack");
  });

  it("loses updates that are not finite to a robust rule, and its model to the mean", async () => {
    const all = { sampler: { cohort: 9 } };
    const robust = await run({ name: "nan", attackers }, { ...all, aggregation: { rule: "median" } });
    expect(robust.of("round.finished").map(({ aggregation }) => aggregation!.dropped)).toEqual(
      Array(4).fill(attackers),
    );
    expect(robust.stopped).toBe("finished");
    expect((await run({ name: "nan", attackers }, all)).stopped).toBe("diverged");
  });

  it("moves the mean further than a trimmed mean", async () => {
    const all: ConfigInput = { sampler: { cohort: 9 }, rounds: 2 };
    const distance = async (aggregation: ConfigInput["aggregation"]) => {
      const [a, b] = [
        (await run({ name: "ipm", epsilon: 10, attackers }, { ...all, aggregation })).parameters,
        (await run({ name: "none" }, { ...all, aggregation })).parameters,
      ];
      return Math.hypot(...a.map((value, i) => value - b[i]!));
    };
    const trimmed = await distance({ rule: "trimmed-mean", byzantine: 2 });
    expect(await distance({ weighting: "uniform" })).toBeGreaterThan(2 * trimmed);
  });

  it("keeps to the clip norm that the server checks", async () => {
    const clipped: ConfigInput = {
      sampler: { cohort: 9 },
      rounds: 1,
      aggregation: { weighting: "uniform", clipNorm: 0.1 },
    };
    const { of } = await run({ name: "gaussian", deviation: 1e6, attackers }, clipped);
    expect(of("round.finished")[0]!.updateNorm).toBeLessThanOrEqual(0.1 * (1 + 1e-9));
  });

  it("keeps to the places that the server of votes accepts", async () => {
    const votes: ConfigInput = { sampler: { cohort: 9 }, rounds: 3, algorithm: { name: "frl" } };
    const far = (mean: number) => run({ name: "gaussian", mean, deviation: 0, attackers }, votes);
    // any place beyond the last one is the last one
    expect((await far(1e9)).hash).toBe((await far(1e3)).hash);
  });

  it("draws the attackers by the seed", () => {
    const drawn = (seed: number) => prepare({ name: "sign-flip", attackers: 3 }, { seed }).plan.attack!.clients;
    expect(drawn(1)).toHaveLength(3);
    expect(drawn(1)).toEqual(drawn(1));
    expect(Array.from({ length: 5 }, (_, seed) => drawn(seed).join()).some((list) => list !== drawn(1).join())).toBe(
      true,
    );
  });
});

describe("attacks on data", () => {
  it("flip labels of attackers alone", () => {
    const [clean, poisoned] = [prepare({ name: "none" }), prepare({ name: "label-flip", attackers })];
    const [before, after] = [clean, poisoned].map(({ simulation }) => openDataSource(simulation.train));
    for (let client = 0; client < 9; client++) {
      const [a, b] = [before!.load(client), after!.load(client)];
      const expected = attackers.includes(client) ? a.labels.data.map((y) => 2 - y) : a.labels.data;
      expect(b.labels.data).toEqual(expected);
      expect(b.features.data).toEqual(a.features.data);
    }
  });

  it("draw the trigger into the configured share of an attacker's images", () => {
    const options = { name: "backdoor", attackers, share: 0.5, size: 2, row: 1, column: 0, target: 2 };
    const { simulation } = prepare(options);
    const { features, labels } = openDataSource(simulation.train).load(1);
    const rows = labels.shape[0]!;
    const stamped = (row: number) => [4, 5, 8, 9].every((pixel) => features.data[16 * row + pixel] === 255);
    const found = Array.from({ length: rows }, (_, row) => row).filter(stamped);
    expect(found).toHaveLength(rows / 2);
    for (const row of found) expect(labels.data[row]).toBe(2);
    expect(features.data.filter((value) => value === 255)).toHaveLength(4 * found.length);
  });

  it("report their success on the examples that they aim at", async () => {
    const { of } = await run({ name: "label-flip", map: "from-to", from: 0, to: 1, attackers });
    for (const { attackSuccess } of of("evaluation")) {
      expect(attackSuccess).toBeGreaterThanOrEqual(0);
      expect(attackSuccess).toBeLessThanOrEqual(1);
    }
    const { simulation } = prepare({ name: "label-flip", map: "from-to", from: 0, to: 1, attackers });
    const targets = openDataSource(simulation.attackTest!).loadRange(0, 1).data.labels.data;
    // 3 of 9 test examples have the label 0; all of them are to be taken for 1
    expect(Array.from(targets)).toEqual([1, 1, 1]);
  });
});

describe("refusals", () => {
  it.each([
    [{ name: "sign-flop" }, {}, "config/unknown-name", "attack.name", /Did you mean .*sign-flip/],
    [{ name: "sign-flip", scale: -1 }, {}, "config/invalid", "attack.scale", /at least 0/],
    [{ name: "ipm", scale: 1 }, {}, "config/unknown-key", "attack.scale", /epsilon/],
    [{ name: "none", attackers: 3 }, {}, "config/conflict", "attack.attackers", /honest/],
    [{ name: "nan", attackers: 9 }, {}, "attack/attackers", "attack.attackers", /nearest legal value is 8/],
    [{ name: "nan", attackers: [2, 9] }, {}, "attack/attackers", "attack.attackers", /nearest legal value is 8/],
    [{ name: "backdoor", size: 5 }, {}, "config/conflict", "attack.size", /nearest legal value is 4/],
    [{ name: "backdoor", size: 2, row: 3 }, {}, "config/conflict", "attack.row", /nearest legal value is 2/],
    [{ name: "backdoor", target: 3 }, {}, "attack/label", "attack.target", /nearest class is 2/],
    [{ name: "label-flip", map: "from-to", from: 0, to: 7 }, {}, "attack/label", "attack.to", /nearest class is 2/],
    [{ name: "label-flip", map: "from-to", from: 0 }, {}, "config/conflict", "attack.to", /a class/],
    [{ name: "label-flip", from: 0 }, {}, "config/conflict", "attack.from", /from-to/],
    [{ name: "alie", attackers: 8 }, {}, "attack/alie", "attack.z", /Set attack.z/],
    [{ name: "mimic", target: 2, attackers: [1, 2] }, {}, "config/conflict", "attack.target", /an attacker.*one is 3/],
    [{ name: "mimic", target: 30, attackers: [8] }, {}, "config/conflict", "attack.target", /30.*9 clients.*one is 7/],
    [{ name: "ipm" }, { algorithm: { name: "fedasync" } }, "config/conflict", "attack.name", /fedasync/],
    [{ name: "ipm" }, { algorithm: { name: "fedlex" } }, "config/conflict", "attack.name", /parts/],
    [{ name: "ipm" }, { secureAggregation: { protocol: "plain" } }, "config/conflict", "attack.name", /hidden/],
    [
      { name: "ipm" },
      { algorithm: { name: "dp-fedavg" }, privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      "config/conflict",
      "attack.name",
      /epsilon/,
    ],
  ] as const)("%o with %o", (attack, more, code, where, text) => {
    let failure: { code?: string; failure?: { where?: string } } = {};
    try {
      prepare(attack as ConfigInput["attack"], more as ConfigInput);
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure.code).toBe(code);
    expect(failure.failure).toMatchObject({ where: expect.stringContaining(where) });
    expect(JSON.stringify(failure.failure)).toMatch(text);
  });

  it("none of an attack on data under secure aggregation", () => {
    const { plan } = prepare({ name: "label-flip", attackers }, { secureAggregation: { protocol: "plain" } });
    expect(plan.description.attack).toMatchObject({ name: "label-flip", attackers });
  });
});
