import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { mergeAdapters } from "../models/index.ts";
import type { Vector } from "../params/vector.ts";
import type { Outcome } from "../round/backend.ts";
import { wholeModel } from "../round/whole-model.ts";

const model = { name: "mlp", hidden: [6, 6] } as const;
const shards = { shards: 2, shardPool: 1, shardPieces: 2 } as const;
const prepare = (more: ConfigInput = {}, algorithm: ConfigInput["algorithm"] = { name: "fedavg" }) =>
  smallSimulation(algorithm, { model, adapters: { ...shards }, ...more }).prepared;

const A = ["shards.a2", "shards.a6"];
const B = ["shards.b3", "shards.b6"];
const names = (prepared: ReturnType<typeof prepare>) => prepared.plan.layout.entries.map(({ name }) => name);

/** How far the weights that the server makes in a round are from the mean of the clients' weights. */
async function missed(rule: "fedit" | "ffa"): Promise<number> {
  const prepared = prepare({ rounds: 1, sampler: { cohort: 4 }, adapters: { ...shards, rule } });
  const { plan, model: adapted } = prepared;
  const sent: Vector[] = [];
  const seen = (outcome: Outcome) => {
    if ("update" in outcome) sent.push(outcome.update.vectors["delta"]!);
    return outcome;
  };
  const { parameters } = await simulateSmall(prepared, (backend) => alteredBackend(backend, seen));
  const merged = (values: Vector) =>
    mergeAdapters(adapted.adapters!, plan.held!.split.whole, wholeModel(plan, values)).values;
  const clients = sent.map((delta) => merged(Float64Array.from(plan.initial, (value, i) => value + delta[i]!)));
  const made = merged(parameters);
  return Math.max(...made.map((v, i) => Math.abs(v - clients.reduce((sum, one) => sum + one[i]! / 4, 0))));
}

describe("a run with adapters from shards", () => {
  it("trains and sends the pools alone, as many numbers as LoRA of the rank of the pool", async () => {
    const prepared = prepare();
    const { plan } = prepared;
    expect(names(prepared)).toEqual([...A, ...B]);
    const lora = prepare({ adapters: { rank: 1 } });
    expect(plan.payloads.upload["delta"]!.layout.size).toBe(lora.plan.payloads.upload["delta"]!.layout.size);
    const { parameters } = await simulateSmall(prepared);
    for (const { offset, size } of plan.layout.entries) {
      const moved = parameters.subarray(offset, offset + size).some((value, i) => value !== plan.initial[offset + i]);
      expect(moved).toBe(true);
    }
  });

  it("averages the weights exactly where the pools of A are frozen, and otherwise not", async () => {
    expect(names(prepare({ adapters: { ...shards, rule: "ffa" } }))).toEqual(B);
    expect(await missed("ffa")).toBeLessThan(1e-12);
    expect(await missed("fedit")).toBeGreaterThan(1e-6);
  });

  it("has pools that clients may keep", () => {
    const { split } = prepare({ parameters: { personal: "shards.b*" } }).plan.held!;
    expect(split.personal.entries.map(({ name }) => name)).toEqual(B);
    expect(split.shared.entries.map(({ name }) => name)).toEqual(A);
    const held = names(prepare({ parameters: { frozen: ["!head", "shards.a6"] } }));
    expect(held).toEqual(["dense3.bias", "dense3.weight", "shards.a2", ...B]);
  });

  it("is a mean for secure sums and noise, and is served to live clients", () => {
    const size = 2 + 6 + 6 + 6 + 6 + 3;
    expect(prepare({ secureAggregation: { protocol: "plain" } }).plan.layout.size).toBe(size);
    const noise = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(prepare({ privacy: noise }, { name: "dp-fedavg" }).plan.layout.size).toBe(size);
    const { live } = smallRun({ name: "fedavg" }, { model, adapters: { ...shards } });
    expect(names(live)).toEqual([...A, ...B]);
  });

  it("has an identity of its own, with each option", () => {
    const hash = (adapters: ConfigInput["adapters"]) => configHash(resolveConfig({ adapters }));
    const options = [{}, { shards: 3 }, { shardPieces: 3 }, { shardPrivate: 0 }, { shardSeed: 1 }, { shardPool: 2 }];
    const all = [...options, { alpha: 1 }].map((more) => ({ ...shards, ...more }));
    expect(new Set([{}, { rank: 2 }, ...all].map(hash)).size).toBe(9);
  });

  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["adapters.rank", { adapters: { ...shards, rank: 2 } }],
    ["adapters.pool", { adapters: { ...shards, pool: 2 } }],
    ["adapters.rule", { adapters: { ...shards, rule: "flexlora" } }],
    ["adapters.rule", { adapters: { ...shards, rule: "flora" } }],
    ["adapters.rule", { adapters: { ...shards, rule: "fed-sb" } }],
    ["adapters.rule", { adapters: { ...shards, rule: "zero-pad" } }],
    ["adapters.lambda", { adapters: { ...shards, lambda: 1 } }],
    ["adapters.controller", { adapters: { ...shards, controller: "fedpipe" } }],
    ["adapters.shardPool", { adapters: { shards: 2, shardPool: 3 } }],
    ["adapters.shardPrivate", { adapters: { shards: 3, shardPool: 2, shardPrivate: 2 } }],
    ["adapters.shardPrivate", { adapters: { shards: 2, shardPool: 1, shardPrivate: 1 } }],
    ["adapters.shardPool", { adapters: { rank: 2, shardPool: 2 } }],
    ["adapters.shardPieces", { adapters: { shardPieces: 2 } }],
    ["adapters", {}, { name: "heterofl" }],
    ["adapters", {}, { name: "hyperfl" }],
    ["adapters", {}, { name: "pfedlora" }],
  ])("is refused with %s: %o %o", (key, more, algorithm) => {
    expect(() => prepare(more, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });
});
