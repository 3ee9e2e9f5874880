import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { highestScores, matrixScore } from "../adapters/index.ts";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { entryView } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Outcome } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { baselineConfig } from "./baseline.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";

type Adapters = NonNullable<ConfigInput["adapters"]>;
type Prepared = ReturnType<typeof prepare>["prepared"];

const prepare = (
  adapters: Adapters,
  more: ConfigInput = {},
  algorithm: ConfigInput["algorithm"] = { name: "fedavg" },
) =>
  smallSimulation(algorithm, {
    model: { name: "mlp", hidden: [6, 5] },
    sampler: { cohort: 4 },
    adapters: { rank: 2, ...adapters },
    ...more,
  });

/** The state of the server after each round, and what clients sent. */
async function played({ plan, ...rest }: Prepared) {
  const states: Readonly<Record<string, Vector>>[] = [];
  const algorithm: typeof plan.algorithm = {
    ...plan.algorithm,
    update(...given) {
      const next = plan.algorithm.update(...given);
      states.push(next.vectors);
      return next;
    },
  };
  const outcomes: Outcome[] = [];
  const seen = (outcome: Outcome) => {
    outcomes.push(outcome);
    return outcome;
  };
  const { parameters } = await simulateSmall({ ...rest, plan: { ...plan, algorithm } }, (backend) =>
    alteredBackend(backend, seen),
  );
  return { parameters, states, outcomes };
}

/** The ends of the rounds of a run. */
async function events({ plan, simulation }: Prepared): Promise<EventOf<"round.finished">[]> {
  const { close, ...ports } = await inProcessSimulation(simulation, interpreter());
  const found: EventOf<"round.finished">[] = [];
  const stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  await runFederation(plan, {
    ...{ ...ports, ...stored },
    emit: (event) => {
      if (event.type === "round.finished") found.push(event);
    },
  });
  await close();
  return found;
}

describe("a run that selects weights", () => {
  it("is FedIT on all weights where all are kept, bit for bit", async () => {
    const plain = await simulateSmall(prepare({}).prepared);
    const all = await simulateSmall(prepare({ select: 3 }).prepared);
    expect(all.parameters).toEqual(plain.parameters);
  });

  it("keeps the weights of the highest mean scores, and is silent on the others", async () => {
    const { plan } = prepare({ select: 1, selectAfter: 2 }).prepared;
    const { states, outcomes, parameters } = await played(prepare({ select: 1, selectAfter: 2 }).prepared);
    const scores = plan.payloads.upload["adapterScores"]!.layout;
    expect(scores.entries.map(({ name, shape }) => [name, ...shape])).toEqual([
      ["dense1.weight", 2],
      ["dense2.weight", 2],
      ["dense3.weight", 2],
    ]);
    // four clients of equal weight in each of two rounds
    const sums = new Float64Array(scores.size);
    for (const outcome of outcomes.slice(0, 8)) {
      if (!("update" in outcome)) throw new Error("a client failed");
      for (const [i, score] of outcome.update.vectors["adapterScores"]!.entries()) sums[i]! += score / 4;
    }
    expect(Array.from(states[1]!["adapterScores"]!)).toEqual(Array.from(sums, (score) => expect.closeTo(score, 12)));
    const best = scores.entries.map((entry) => matrixScore(Array.from(entryView(sums, entry)), 2));
    const [kept] = highestScores(best, 1);
    expect(Array.from(states[0]!["keptAdapters"]!)).toEqual([0, 0, 0]);
    for (const { keptAdapters } of states.slice(1))
      expect(Array.from(keptAdapters!)).toEqual([0, 1, 2].map((i) => (i === kept ? 1 : 0)));
    expect(states[3]!["adapterScores"]).toEqual(states[1]!["adapterScores"]);
    for (const entry of plan.layout.entries) {
      const isKept = entry.name.startsWith(`dense${kept! + 1}.`);
      expect(entryView(parameters, entry).every((value) => value === 0)).toBe(!isKept);
      expect(entryView(states[0]!["parameters"]!, entry).some((value) => value !== 0)).toBe(true);
    }
    for (const outcome of outcomes.slice(8)) {
      if (!("update" in outcome)) throw new Error("a client failed");
      const { delta, adapterScores } = outcome.update.vectors;
      const held = plan.layout.entries.filter(({ name }) => name.startsWith(`dense${kept! + 1}.`));
      expect(delta).toHaveLength(held.reduce((sum, { size }) => sum + size, 0));
      expect(adapterScores).toHaveLength(0);
    }
  });

  it("continues as a run that has only these adapters", async () => {
    const { prepared } = prepare({ select: 2 });
    const { states, parameters } = await played(prepared);
    const kept = Array.from(states[0]!["keptAdapters"]!).flatMap((flag, i) => (flag === 1 ? [`dense${i + 1}`] : []));
    expect(kept).toHaveLength(2);
    // the same rounds, from the same factors
    const some = prepare({ targets: kept }).prepared;
    const start = Float64Array.from(
      some.plan.layout.entries.flatMap((entry) =>
        Array.from(
          entryView(states[0]!["parameters"]!, prepared.plan.layout.entries.find(({ name }) => name === entry.name)!),
        ),
      ),
    );
    const { algorithm } = some.plan;
    const rest = await played({
      ...some,
      plan: {
        ...some.plan,
        algorithm: {
          ...algorithm,
          // after the first round the factors are those that were selected
          update: (state, aggregate, context) =>
            context.round === 1
              ? { ...state, vectors: { ...state.vectors, parameters: start } }
              : algorithm.update(state, aggregate, context),
        },
      },
    });
    const places = new Map(prepared.plan.layout.entries.map((entry) => [entry.name, entry]));
    for (const entry of some.plan.layout.entries)
      expect(Array.from(entryView(parameters, places.get(entry.name)!))).toEqual(
        Array.from(entryView(rest.parameters, entry), (value) => expect.closeTo(value, 12)),
      );
  });

  it("sends fewer bytes both ways, and counts the scores", async () => {
    const wide = { model: { name: "mlp", hidden: [60, 50] } };
    const bytes = async (adapters: Adapters) => {
      const { outcomes } = await played(prepare(adapters, wide).prepared);
      return outcomes.map((outcome) => {
        if (!("update" in outcome)) throw new Error("a client failed");
        return { up: outcome.bytesUp, down: outcome.bytesDown };
      });
    };
    const [some, all] = [await bytes({ select: 1 }), await bytes({})];
    // scores: 2 + 2 + 2 numbers, and what names them
    const scored = some[0]!.up - all[0]!.up;
    expect(scored).toBeGreaterThanOrEqual(8 * 6);
    expect(scored).toBeLessThan(8 * 6 + 400);
    // the largest adapter is that of dense2: 2 (60 + 50) of 460 numbers
    for (const late of some.slice(4)) {
      expect(late.up).toBeLessThan(all[0]!.up - 8 * 200);
      expect(late.down).toBeLessThan(some[0]!.down - 8 * 200);
    }
  });

  it("reports once which weights it keeps", async () => {
    const told = (await events(prepare({ select: 1, selectAfter: 2 }).prepared)).map(({ aggregation }) => aggregation);
    const weights = [expect.stringMatching(/^dense[123]\.weight$/)];
    expect(told).toEqual([undefined, { rule: "highest scores", weights }, undefined, undefined]);
  });

  it.each<Adapters>([
    {},
    { rule: "lora-fair" },
    { rank: [2, 1], rule: "flexlora" },
  ])("gives the same bits when it is resumed, before and after the selection: %o", async (adapters) => {
    const { plan, simulation } = prepare({ ...adapters, select: 1, selectAfter: 2 }).prepared;
    const run = async (rounds: readonly number[]) => {
      const stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
      let hash = "";
      for (const until of rounds) {
        const { close, ...ports } = await inProcessSimulation(simulation, interpreter());
        ({ modelHash: hash } = await runFederation(
          { ...plan, rounds: until },
          { ...ports, ...stored, emit: () => {} },
        ));
        await close();
      }
      return hash;
    };
    const whole = await run([4]);
    expect(await run([1, 4])).toBe(whole);
    expect(await run([2, 4])).toBe(whole);
    expect(await run([3, 4])).toBe(whole);
  });

  it("keeps what belongs to no adapter in all rounds", async () => {
    const { prepared } = prepare({ select: 1 }, { parameters: { frozen: "!head" } });
    const { parameters, outcomes } = await played(prepared);
    const { entries } = prepared.plan.layout;
    expect(entries.map(({ name }) => name)).toContain("dense3.bias");
    const head = entries.find(({ name }) => name === "dense3.weight")!;
    expect(entryView(parameters, head)).not.toEqual(entryView(prepared.plan.initial, head));
    expect(outcomes.every((outcome) => "update" in outcome)).toBe(true);
  });

  it.each([
    "zero-pad",
    "flexlora",
  ] as const)("is a run of mixed ranks where all are kept, bit for bit: %s", async (rule) => {
    const mixed = { rank: [2, 1], rule };
    const plain = await simulateSmall(prepare(mixed).prepared);
    const all = await simulateSmall(prepare({ ...mixed, select: 3 }).prepared);
    expect(all.parameters).toEqual(plain.parameters);
  });

  it.each(["lora-fair", "zero-pad", "flexlora"] as const)("has finite numbers under %s with momentum", async (rule) => {
    const adapters = rule === "lora-fair" ? { rule } : { rank: [2, 1], rule };
    const { states } = await played(prepare({ ...adapters, select: 1 }, {}, { name: "fedavgm" }).prepared);
    for (const vectors of states)
      for (const vector of Object.values(vectors)) expect(Array.from(vector).every(Number.isFinite)).toBe(true);
  });

  it("averages the scores of a triplet over the clients that have it, and gives each client its ranks", async () => {
    const mixed = { rank: [2, 1], rule: "flexlora" as const, select: 1, selectAfter: 1 };
    const { prepared } = prepare(mixed);
    const { states, outcomes, parameters } = await played(prepared);
    const sent = outcomes.map((outcome) => {
      if (!("update" in outcome)) throw new Error("a client failed");
      const { client, vectors } = outcome.update;
      return { client, delta: vectors["delta"]!, adapterScores: vectors["adapterScores"]! };
    });
    const first = sent.slice(0, 4).map(({ client, adapterScores }) => ({ client, scores: adapterScores }));
    for (const { client, scores } of first) expect(scores).toHaveLength(client % 2 === 0 ? 6 : 3);
    const sums = [0, 1, 2].flatMap((weight) => {
      const leading = first.map(({ client, scores }) => scores[weight * (client % 2 === 0 ? 2 : 1)]!);
      const second = first.flatMap(({ client, scores }) => (client % 2 === 0 ? [scores[2 * weight + 1]!] : []));
      return [leading.reduce((sum, x) => sum + x / 4, 0), second.reduce((sum, x) => sum + x / 2, 0)];
    });
    expect(Array.from(states[0]!["adapterScores"]!)).toEqual(sums.map((score) => expect.closeTo(score, 12)));
    const [kept] = highestScores(
      [0, 1, 2].map((weight) => matrixScore(sums.slice(2 * weight, 2 * weight + 2), 2)),
      1,
    );
    const isKept = ({ name }: { readonly name: string }) => name.startsWith(`dense${kept! + 1}.`);
    const numbers = prepared.plan.layout.entries.filter(isKept).reduce((sum, { size }) => sum + size, 0);
    for (const { client, delta, adapterScores } of sent.slice(4)) {
      expect(delta).toHaveLength(client % 2 === 0 ? numbers : numbers / 2);
      expect(adapterScores).toHaveLength(0);
    }
    for (const entry of prepared.plan.layout.entries)
      expect(entryView(parameters, entry).every((value) => value === 0)).toBe(!isKept(entry));
  });

  it("goes with the choices of a controller", async () => {
    const devices = { speed: "list" as const, times: [1, 2], memory: [4, 2] };
    const mixed = { rank: [2, 1], rule: "flexlora" as const, controller: "fedpipe" as const, batches: [4, 2] };
    const more = { devices, schedule: { deadline: 1 } };
    const { plan } = prepare({ ...mixed, select: 1 }, more).prepared;
    expect(plan.description.adapters).toMatch(
      /^fedpipe, by client number modulo 2: .*; 1 of 3 adapters after round 1, by score$/,
    );
    const plain = prepare(mixed, more).prepared.plan;
    const time = (client: number, part: number) => plan.durations!(client, 1, 0, { at: 0, part } as never);
    for (const client of [0, 1]) {
      expect(time(client, client)).toBe(plain.durations!(client, 1, 0, { at: 0, part: client } as never));
      expect(time(client, 6 + client)).toBeLessThan(time(client, client));
    }
    // rounds end with the last arrival, and not later
    const seconds = async (adapters: Adapters) =>
      (await events(prepare({ ...mixed, ...adapters }, more).prepared)).map(
        ({ simulatedSeconds }) => simulatedSeconds!,
      );
    const [some, all] = [await seconds({ select: 1 }), await seconds({})];
    expect(some[0]).toBe(all[0]);
    for (const round of [1, 2, 3]) expect(some[round]! - some[round - 1]!).toBeLessThan(all[round]! - all[round - 1]!);
  });

  it("takes less simulated time after the selection", async () => {
    const { plan } = prepare({ select: 1 }, { devices: { speed: "list", times: [1] } }).prepared;
    expect(plan.description.adapters).toBe("1 of 3 adapters after round 1, by score");
    const time = (part: number) => plan.durations!(0, 1, 0, { at: 0, part } as never);
    expect(time(0)).toBe(1e6);
    // adapters of the last layer need no gradient of the others
    expect(time(3)).toBeLessThan(time(1));
    expect(time(1)).toBeLessThan(1e6);
  });

  it("has an identity of its own, and baselines without it", () => {
    const hash = (adapters: Adapters) => configHash(resolveConfig({ adapters: { rank: 2, ...adapters } }));
    expect(new Set([{}, { select: 1 }, { select: 2 }, { select: 1, selectAfter: 2 }].map(hash)).size).toBe(4);
    const { config } = prepare({ select: 1, selectAfter: 2 });
    expect(baselineConfig(config, "centralized").adapters).toMatchObject({ rank: 2 });
    expect(baselineConfig(config, "centralized").adapters.select).toBeUndefined();
  });

  it.each<[string, Adapters, ConfigInput?, ConfigInput["algorithm"]?]>([
    ["adapters.selectAfter", { selectAfter: 2 }],
    ["adapters.select", { select: 1, selectAfter: 4 }],
    ["adapters.select", { select: 4 }],
    ["adapters.rule", { select: 1, rank: [2, 1] }],
    ["adapters.rule", { select: 1, rule: "ffa" }],
    ["adapters.rule", { select: 1, rule: "flora" }],
    ["adapters.controller", { select: 1, rank: [2, 1], controller: "fedspine", rule: "flexlora" }],
    ["adapters.select", { select: 1 }, { aggregation: { clipNorm: 1 } }],
    ["adapters.select", { select: 1 }, { compression: { up: ["top-k density=0.5"] } }],
    ["adapters.select", { select: 1 }, { compression: { down: ["top-k density=0.5"] } }],
    ["adapters.select", { select: 1 }, { parameters: { personal: "head" } }],
    ["adapters.select", { select: 1 }, { parameters: { frozen: "*.a" } }],
    ["adapters.select", { select: 1 }, {}, { name: "scaffold" }],
    ["adapters.select", { select: 1 }, {}, { name: "fedbcgd", blocks: 2 }],
    ["adapters.select", { select: 1 }, { topology: { name: "ring" } }, { name: "dfedavg" }],
    ["aggregation.rule", { select: 1 }, { aggregation: { rule: "median" } }],
    ["secureAggregation.protocol", { select: 1 }, { secureAggregation: { protocol: "plain" } }],
    [
      "privacy.mechanism",
      { select: 1 },
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      { name: "dp-fedavg" },
    ],
    ["schedule.name", { select: 1 }, { schedule: { name: "buffered" } }],
    [
      "training.curriculum.order",
      { select: 1 },
      { training: { batchSize: 4, localSteps: 3, curriculum: { order: "easy-first" } } },
    ],
  ])("is refused with %s: %o %o %o", (key, adapters, more, algorithm) => {
    expect(() => prepare(adapters, more, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it("is refused without adapters, for live clients, and with too many sets", () => {
    expect(() => smallSimulation({ name: "fedavg" }, { adapters: { select: 1 } })).toThrow(/adapters\.select/);
    const { prepared, config } = prepare({ select: 1 });
    expect(() => forLiveClients(prepared, config)).toThrow(/adapters\.select/);
    const deep = { model: { name: "mlp", hidden: Array.from({ length: 15 }, () => 2) } };
    expect(() => prepare({ select: 8 }, deep)).toThrow(/12870 sets/);
  });
});
