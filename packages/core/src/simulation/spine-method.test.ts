import { describe, expect, it } from "vitest";
import { deltaOf, factored, scattered } from "../adapters/index.ts";
import { pairsIn, readPair } from "../adapters/model-pairs.ts";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { observe } from "../conformance/testing/observed-run.ts";
import type { Vector } from "../params/vector.ts";
import type { Order, Outcome } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { KEPT_UNITS } from "../submodels/masked-units.ts";

type Adapters = NonNullable<ConfigInput["adapters"]>;

const targets = ["dense1", "dense2"];
const spine: Adapters = { controller: "fedspine", rule: "flexlora", rank: [2, 1], pruned: [0, 0.4], targets };

/** Four clients, of which the second and fourth are four times as slow. */
const prepare = (more: ConfigInput = {}, adapters: Adapters = spine) =>
  smallSimulation(
    { name: "fedavg" },
    {
      rounds: 6,
      model: { name: "mlp", hidden: [6, 5] },
      sampler: { cohort: 4 },
      devices: { speed: "list", times: [1, 4] },
      adapters,
      ...more,
    },
  ).prepared;

/** A run, its orders and outcomes. */
async function runOf(more: ConfigInput = {}, adapters?: Adapters) {
  const prepared = prepare(more, adapters);
  const [orders, seen]: [Order[], Outcome[]] = [[], []];
  const result = await simulateSmall(prepared, (backend) => {
    const watched = {
      ...backend,
      submit(order: Order) {
        orders.push(order);
        backend.submit(order);
      },
    };
    return alteredBackend(watched, (outcome) => {
      const { update } = outcome as Extract<Outcome, { update: unknown }>;
      const vectors = Object.fromEntries(Object.entries(update.vectors).map(([name, v]) => [name, v.slice()]));
      seen.push({ ...outcome, update: { ...update, vectors } } as Outcome);
      return outcome;
    });
  });
  return { ...prepared, orders, seen, result };
}

const zeros = (mask: Vector) => Array.from(mask).filter((kept) => kept === 0).length;

describe("a bandit over ranks and pruned shares", () => {
  it("has the bits of the plain rule where there is one choice, which prunes nothing", async () => {
    const one = await runOf({}, { ...spine, rank: [2], pruned: [0] });
    const plain = await runOf({}, { rule: "flexlora", rank: 2, targets });
    expect(one.result.modelHash).toBe(plain.result.modelHash);
    expect(Array.from(one.result.parameters)).toEqual(Array.from(plain.result.parameters));
    const pruned = await runOf({}, { ...spine, rank: [2], pruned: [0.4] });
    expect(pruned.result.modelHash).not.toBe(plain.result.modelHash);
  });

  it("leaves out the share of its choice in every layer, to a unit", async () => {
    const { orders, plan } = await runOf();
    expect(orders.length).toBe(24);
    const shares = orders.map(({ part }) => [0, 0.4, 0, 0.4][part!]!);
    for (const [i, { own }] of orders.entries()) {
      const mask = own![KEPT_UNITS]!;
      const [first, second] = [mask.subarray(0, 6), mask.subarray(6)];
      expect(Math.abs(zeros(first) - 6 * shares[i]!)).toBeLessThan(1);
      expect(Math.abs(zeros(second) - 5 * shares[i]!)).toBeLessThan(1);
    }
    expect(new Set(orders.map(({ part }) => part)).size).toBe(4);
    expect(plan.description.adapters).toBe("fedspine, clients by number modulo 2: ranks 2, 1; pruned shares 0, 0.4");
  });

  it("moves nothing of units that are left out", async () => {
    const model = { name: "mlp", hidden: [6, 5], activation: "tanh" };
    const { orders, seen, plan } = await runOf({ rounds: 1, model }, { ...spine, rank: [2] });
    const entry = plan.layout.entries.find(({ name }) => name === "dense1.weight.lora.b")!;
    for (const outcome of seen) {
      const order = orders.find(({ client }) => client === outcome.client)!;
      const [mask, delta] = [
        order.own![KEPT_UNITS]!,
        (outcome as { update: { vectors: Record<string, Vector> } }).update.vectors["delta"]!,
      ];
      // B [2, 6]
      for (let unit = 0; unit < 6; unit++) {
        const column = [0, 1].map((row) => delta[entry.offset + row * 6 + unit]!);
        expect(column.every((value) => value === 0)).toBe(mask[unit] === 0);
      }
    }
  });

  it("puts back what pruned clients send, zeros where they have nothing, as the paper says", async () => {
    const { orders, seen, plan, result, model } = await runOf({ rounds: 1 }, { ...spine, rank: [2] });
    const adapters = model.adapters!;
    const pair = pairsIn(plan.layout, adapters).find(({ name }) => name.startsWith("dense1"))!;
    const updates = seen.map((outcome) => {
      const { client, update } = outcome as Extract<Outcome, { update: unknown }>;
      const mask = orders.find((order) => order.client === client)!.own![KEPT_UNITS]!;
      const after = plan.initial.map((value, j) => value + update.vectors["delta"]![j]!);
      const { a, b } = readPair(pair, after, adapters.scale);
      const rows = [0, 1, 2, 3, 4, 5].filter((unit) => mask[unit] !== 0);
      const data = Float64Array.from(rows.flatMap((row) => [...b.data.subarray(row * 2, row * 2 + 2)]));
      return { a, b: { rows: rows.length, columns: 2, data }, rows, weight: update.public.weight };
    });
    expect(updates.some(({ rows }) => rows.length < 6)).toBe(true);
    const { scale } = adapters;
    const whole = scattered(updates, 6, updates[0]!.a.columns);
    const scaled = { ...whole, data: whole.data.map((value) => scale * value) };
    const expected = deltaOf(factored(scaled, 2, scale));
    const found = deltaOf(readPair(pair, result.parameters, scale));
    expect(Array.from(found.data)).toEqual(Array.from(expected.data, (value) => expect.closeTo(value, 6)));
  });

  it("takes less time the more it leaves out, and the lower the rank", () => {
    const { plan } = prepare(
      { model: { name: "mlp", hidden: [60, 50] } },
      { ...spine, rank: [8, 1], pruned: [0, 0.5] },
    );
    const times = [0, 1, 2, 3].map((part) => plan.durations!(0, 1, 0, { at: 0, part }));
    const slow = [0, 1, 2, 3].map((part) => plan.durations!(1, 1, 0, { at: 0, part }));
    expect(times[0]).toBe(1e6);
    expect(times[1]).toBeLessThan(0.8e6);
    expect(times[2]).toBeLessThan(1e6);
    expect(times[3]).toBeLessThan(Math.min(times[1]!, times[2]!));
    const { plan: half } = prepare(
      { model: { name: "mlp", hidden: [60, 50] } },
      { ...spine, rank: [8], pruned: [0.5] },
    );
    expect(half.durations!(0, 1, 0, { at: 0, part: 0 })).toBe(times[1]);
    for (const [part, time] of slow.entries()) expect(time / times[part]!).toBeCloseTo(4, 4);
  });

  it("keeps what it has learned over a stop", async () => {
    const more: ConfigInput = {
      rounds: 6,
      model: { name: "mlp", hidden: [6, 5] },
      devices: { speed: "list", times: [1, 4] },
      adapters: spine,
    };
    const method = { name: "fedavg" };
    const whole = await observe(method, more);
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const half = await observe(method, more, { ...stores, rounds: 3 });
    const resumed = await observe(method, more, stores);
    expect(resumed.result.modelHash).toBe(whole.result.modelHash);
    expect(resumed.result.modelHash).not.toBe(half.result.modelHash);
  });

  it("has an identity of its own", () => {
    const all: Adapters[] = [
      spine,
      { ...spine, pruned: [0, 0.3] },
      { ...spine, exploration: 1 },
      { ...spine, timeWeight: 2 },
    ];
    expect(new Set(all.map((adapters) => configHash(resolveConfig({ adapters })))).size).toBe(4);
  });

  it.each<[string, Adapters, ConfigInput?]>([
    ["adapters.controller", { ...spine, rank: 2 }],
    ["adapters.controller", { ...spine, rule: "flora" }],
    ["adapters.controller", spine, { devices: { speed: "exponential" } }],
    ["adapters.controller", spine, { training: { batchSize: 4, localEpochs: 1 } }],
    ["adapters.bits", { ...spine, bits: [8] }],
    ["adapters.batches", { ...spine, batches: [4] }],
    ["devices.memory", spine, { devices: { speed: "list", times: [1], memory: [1] } }],
    ["schedule.deadline", spine, { schedule: { deadline: 2 } }],
    ["schedule.keep", spine, { schedule: { keep: 2 } }],
    ["adapters.pruned", { rank: 2, pruned: [0.5] }],
    ["adapters.exploration", { ...spine, controller: "fedpipe", pruned: undefined, exploration: 1 }],
    ["compression.up", spine, { compression: { up: ["top-k"] } }],
  ])("refuses %s: %o %o", (key, adapters, more) => {
    expect(() => prepare(more, adapters)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it("refuses models whose units are not known", () => {
    const model = { name: "logistic" };
    expect(() => prepare({ model }, { ...spine, targets: [], rank: [2, 1] })).toThrow(
      expect.objectContaining({ code: "submodels/chain" }),
    );
  });
});
