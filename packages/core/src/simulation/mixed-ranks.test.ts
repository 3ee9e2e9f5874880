import { describe, expect, it } from "vitest";
import { deltaOf, exactUpdate, type Matrix } from "../adapters/index.ts";
import { pairsIn, readPair } from "../adapters/model-pairs.ts";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { partOf } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { Outcome } from "../round/backend.ts";
import { baselineConfig } from "./baseline.ts";
import { forLiveClients } from "./for-live-clients.ts";

type Adapters = NonNullable<ConfigInput["adapters"]>;
type Prepared = ReturnType<typeof prepare>["prepared"];

const RULES = ["zero-pad", "flexlora", "flora"] as const;

/** Four clients, of which those of even numbers have the first rank and the others the second. */
const prepare = (
  adapters: Adapters,
  more: ConfigInput = {},
  algorithm: ConfigInput["algorithm"] = { name: "fedavg" },
) =>
  smallSimulation(algorithm, {
    model: { name: "mlp", hidden: [6, 5] },
    sampler: { cohort: 4 },
    adapters: { targets: ["dense1", "dense2"], ...adapters },
    ...more,
  });

const end = async (adapters: Adapters, more?: ConfigInput) =>
  (await simulateSmall(prepare(adapters, more).prepared)).parameters;

/** The updates that the server half has in its first round, by client, and the model after the run. */
async function withUpdates({ plan, ...rest }: Prepared) {
  let first: { readonly rows: Vector; readonly clients: readonly number[] } | undefined;
  const algorithm: typeof plan.algorithm = {
    ...plan.algorithm,
    update(state, aggregate, context) {
      first ??= { rows: Float64Array.from(aggregate["delta"]!), clients: context.clients! };
      return plan.algorithm.update(state, aggregate, context);
    },
  };
  const { parameters } = await simulateSmall({ ...rest, plan: { ...plan, algorithm } });
  return { ...first!, parameters };
}

/** Of all clients in the first round. */
async function outcomes(prepared: Prepared): Promise<Outcome[]> {
  const seen: Outcome[] = [];
  const spied = (outcome: Outcome) => {
    seen.push(outcome);
    return outcome;
  };
  await simulateSmall(prepared, (backend) => alteredBackend(backend, spied));
  return seen.slice(0, 4);
}

const difference = (x: Matrix, y: Matrix) => Math.max(...x.data.map((value, i) => Math.abs(value - y.data[i]!)));

describe("clients with adapters of their own ranks", () => {
  it.each(RULES)("compute the bits of one rank where all ranks are equal: %s", async (rule) => {
    expect(await end({ rank: [2, 2], rule })).toEqual(await end({ rank: 2, rule }));
  });

  it("compute what means of factors compute where all ranks are equal, under zero-pad", async () => {
    const [mean, padded] = [await end({ rank: 2 }), await end({ rank: [2, 2], rule: "zero-pad" })];
    expect(Math.max(...mean.map((value, i) => Math.abs(value - padded[i]!)))).toBeLessThan(1e-12);
  });

  it.each(RULES)("receive and send the numbers of their own rank: %s", async (rule) => {
    const { plan } = prepare({ rank: [2, 1], rule }).prepared;
    // dense1 [2, 6], dense2 [6, 5]
    const numbers = (rank: number) => rank * (2 + 6 + 6 + 5);
    expect(plan.payloads.parts!.map((part) => part["delta"]!.size)).toEqual([numbers(2), numbers(1)]);
    const all = await outcomes(prepare({ rank: [2, 1], rule }).prepared);
    const sizes = all.map((one) => ("update" in one ? one.update.vectors["delta"]!.length : -1));
    expect(sizes).toEqual([numbers(2), numbers(1), numbers(2), numbers(1)]);
    const [first, second] = all as [Outcome, Outcome];
    if (!("update" in first && "update" in second)) throw new Error("a client failed");
    // headers name other sizes, and are filled up to 8 bytes
    for (const saved of [first.bytesDown - second.bytesDown, first.bytesUp - second.bytesUp])
      expect(Math.abs(saved - 8 * numbers(1))).toBeLessThanOrEqual(8);
  });

  it.each(RULES)("have the FLOPs of their own rank: %s", (rule) => {
    const { plan } = prepare({ rank: [2, 1], rule }).prepared;
    const alone = [2, 1].map((rank) => prepare({ rank, rule }).prepared.plan.description);
    expect(plan.partFlops).toEqual(alone.map(({ flopsPerStep, flopsPerTask }) => ({ flopsPerStep, flopsPerTask })));
    expect(alone[0]!.flopsPerStep).toBeGreaterThan(alone[1]!.flopsPerStep!);
  });

  it("are padded with zeros, by hand", async () => {
    const { prepared } = prepare({ rank: [2, 1], rule: "zero-pad" }, { rounds: 1 });
    const { plan } = prepared;
    const { rows, clients, parameters } = await withUpdates(prepared);
    for (const { name, offset, shape } of plan.layout.entries) {
      const [height, width] = shape as [number, number];
      for (let i = 0; i < height; i++)
        for (let j = 0; j < width; j++) {
          const at = offset + i * width + j;
          const rank = name.endsWith(".a") ? j : i;
          let sum = 0;
          for (const [k, client] of clients.entries())
            if (rank < (client % 2 === 0 ? 2 : 1)) sum += plan.initial[at]! + rows[k * plan.layout.size + at]!;
          expect(parameters[at]).toBeCloseTo(sum / 4, 12);
        }
    }
  });

  it("keep ranks that nobody of a round has, and learn them later", async () => {
    // of clients 0 to 3, rank 2 has only client 0
    const only = { rank: [2, 1, 1, 1], rule: "zero-pad" as const };
    const { plan } = prepare(only).prepared;
    const first = plan.layout.entries[0]!;
    for (const cohort of [1, 2, 3]) {
      const state = plan.algorithm.init(Float64Array.from(plan.initial), plan.layout);
      const context = { layout: plan.layout, weights: [1], clients: [cohort], round: 1 } as never;
      const delta = new Float64Array(plan.layout.size);
      const { vectors } = plan.algorithm.update(state, { delta }, context);
      expect(Array.from(vectors.parameters)).toEqual(Array.from(plan.initial, (value) => expect.closeTo(value, 15)));
    }
    const after = await end(only);
    expect(after[first.offset + 1]).not.toBe(plan.initial[first.offset + 1]);
  });

  it("become the truncated mean of the products under flexlora, whatever their ranks", async () => {
    // dense1 [2, 6] has rank 2 at most, so nothing is cut off there
    const { prepared } = prepare({ rank: [2, 1], rule: "flexlora" }, { rounds: 1 });
    const { plan, model } = prepared;
    const { rows, clients, parameters } = await withUpdates(prepared);
    const adapters = model.adapters!;
    const [pair] = pairsIn(plan.layout, adapters) as [ReturnType<typeof pairsIn>[number]];
    const sent = clients.map((client, k) => {
      const whole = Float64Array.from(plan.initial, (value, i) => value + rows[k * plan.layout.size + i]!);
      const { a, b, scale } = readPair(pair, whole, adapters.scale);
      const r = client % 2 === 0 ? 2 : 1;
      const left = { rows: b.rows, columns: r, data: b.data.filter((_, i) => i % b.columns < r) };
      return { a: { rows: r, columns: a.columns, data: a.data.slice(0, r * a.columns) }, b: left, scale, weight: 1 };
    });
    const made = deltaOf(readPair(pair, Float64Array.from(parameters), adapters.scale));
    expect(difference(made, exactUpdate(sent))).toBeLessThan(1e-12);
    expect(Math.max(...made.data.map(Math.abs))).toBeGreaterThan(1e-4);
  });

  it("continue from the leading ranks of the largest one, at the same scale", async () => {
    const { prepared } = prepare({ rank: [1, 2], rule: "flexlora", alpha: 6 }, { rounds: 1 });
    expect(prepared.model.adapters!.scale).toBe(3);
    const { tiers } = prepared.simulation.task;
    expect(tiers).toHaveLength(2);
    const { plan } = prepared;
    const given = plan.algorithm.own!({ vectors: { parameters: plan.initial }, scalars: {} }, 0, 1)["parameters"]!;
    const places = plan.payloads.places!(0, 1);
    expect(Array.from(given)).toEqual(Array.from(places, (place) => plan.initial[place]));
    const a = plan.layout.entries[0]!;
    expect(Array.from(given.subarray(0, 2))).toEqual([plan.initial[a.offset], plan.initial[a.offset + 2]]);
  });

  it("train classifiers beside the adapters, which all clients average", async () => {
    const { prepared } = prepare(
      { rank: [2, 1], rule: "flora", targets: ["dense1"] },
      { parameters: { frozen: "!head" } },
    );
    const { parameters } = await simulateSmall(prepared);
    const head = partOf(prepared.plan.layout, parameters, prepared.plan.layout);
    expect(head.every(Number.isFinite)).toBe(true);
    const bias = prepared.plan.layout.entries.find(({ name }) => name === "dense3.bias")!;
    expect(parameters[bias.offset]).not.toBe(prepared.plan.initial[bias.offset]);
  });

  it("have another identity than one rank, and baselines of the largest one", () => {
    const hash = (rank: number | number[]) => configHash(resolveConfig({ adapters: { rank, rule: "flora" } }));
    expect(new Set([2, [2], [2, 1], [1, 2]].map(hash)).size).toBe(4);
    const config = resolveConfig({ adapters: { rank: [1, 2], rule: "flora" } });
    expect(baselineConfig(config, "local-only").adapters).toMatchObject({ rank: 2, rule: "fedit" });
  });
});

describe("refusals of several ranks", () => {
  it.each<[string, Adapters, ConfigInput, ConfigInput["algorithm"]?]>([
    ["adapters.rule", { rank: [2, 1] }, {}],
    ["adapters.rule", { rank: [2, 1], rule: "ffa" }, {}],
    ["adapters.rule", { rank: [2, 1], rule: "lora-fair" }, {}],
    ["adapters.rule", { rank: [2, 1], rule: "fed-sb" }, {}],
    ["compression.up", { rank: [2, 1], rule: "flora" }, { compression: { up: ["top-k density=0.1"] } }],
    ["compression.down", { rank: [2, 1], rule: "flora" }, { compression: { down: ["qsgd levels=4"] } }],
    ["parameters.personal", { rank: [2, 1], rule: "zero-pad" }, { parameters: { personal: "head" } }],
    ["adapters.rule", { rank: [2, 1], rule: "zero-pad" }, { aggregation: { rule: "median" } }],
    ["adapters.rule", { rank: [2, 1], rule: "zero-pad" }, {}, { name: "scaffold" }],
    ["algorithm.name", { rank: [2, 1], rule: "zero-pad" }, {}, { name: "ifca", clusters: 2 }],
    ["algorithm.name", { rank: [2, 1], rule: "zero-pad" }, {}, { name: "fedper" }],
    ["whose clients keep offset", { rank: [2, 1], rule: "zero-pad" }, { baseline: "local-only" }],
    ["secureAggregation.protocol", { rank: [2, 1], rule: "flora" }, { secureAggregation: { protocol: "plain" } }],
    [
      "privacy.mechanism",
      { rank: [2, 1], rule: "zero-pad" },
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      { name: "dp-fedavg" },
    ],
  ])("%s: %o %o", (key, adapters, more, algorithm) => {
    expect(() => prepare(adapters, more, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it("are for live clients too, and for ranks that no weight can have", () => {
    const { prepared, config } = prepare({ rank: [2, 1], rule: "flora" });
    expect(() => forLiveClients(prepared, config)).toThrow(/one model for all/);
    expect(() => prepare({ rank: [64, 32], rule: "flora" })).toThrow(
      expect.objectContaining({ code: "adapters/rank", message: expect.stringContaining("1 to 5") }),
    );
    expect(() => resolveConfig({ adapters: { rank: [] } })).toThrow(/adapters\.rank/);
    expect(() => resolveConfig({ adapters: { rank: [2, 0] } })).toThrow(/adapters\.rank/);
  });
});
