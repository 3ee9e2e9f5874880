import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { layout } from "../params/layout.ts";
import type { Outcome } from "../round/backend.ts";

const NAMES = ["pool.beta", "pool.gamma", "pool.heads", "pool.keys"];

const prepare = (more: ConfigInput = {}, algorithm: ConfigInput["algorithm"] = { name: "fedavg" }) =>
  smallSimulation(algorithm, { model: { name: "mlp", hidden: [6] }, adapters: { pool: 4, poolTop: 2 }, ...more })
    .prepared;

describe("a run with a pool", () => {
  it("trains and sends the sets alone, and freezes the model", async () => {
    const prepared = prepare();
    const { plan } = prepared;
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(NAMES);
    expect(plan.payloads.upload["delta"]!.layout.size).toBe(4 * (6 + 6 + 6 + 3 * 6));
    expect(plan.held!.split.frozen.entries).toHaveLength(4);
    const { parameters } = await simulateSmall(prepared);
    for (const { offset, size } of plan.layout.entries) {
      const moved = parameters.subarray(offset, offset + size).some((value, i) => value !== plan.initial[offset + i]);
      expect(moved).toBe(true);
    }
  });

  it("starts from weights of the model without it", () => {
    const base = prepare({ adapters: {} });
    const tensors = Object.fromEntries(
      base.plan.layout.entries.map(({ name, shape, size }) => [
        name,
        { dtype: "F32" as const, shape, data: new Float32Array(size).fill(2) },
      ]),
    );
    const more = { model: { name: "mlp", hidden: [6] }, adapters: { pool: 4 } };
    const weights = { tensors, metadata: { anabranch: "1" } };
    const { plan } = smallSimulation({ name: "fedavg" }, more, { weights }).prepared;
    expect(Array.from(plan.held!.frozen).every((value) => value === 2)).toBe(true);
    expect(plan.initial).toEqual(prepare({ adapters: { pool: 4 } }).plan.initial);
  });

  it("learns: the loss of clients falls", async () => {
    const losses: number[] = [];
    const seen = (outcome: Outcome) => {
      if ("update" in outcome) losses.push(outcome.update.public.loss);
      return outcome;
    };
    const prepared = prepare({ rounds: 12, training: { batchSize: 4, localSteps: 8, learningRate: 0.1 } });
    await simulateSmall(prepared, (backend) => alteredBackend(backend, seen));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value / values.length, 0);
    expect(losses).toHaveLength(36);
    expect(mean(losses.slice(-6))).toBeLessThan(mean(losses.slice(0, 6)) - 0.01);
  });

  it("is a mean for secure sums and noise, and is served to live clients", () => {
    const sums = { secureAggregation: { protocol: "plain" as const } };
    expect(prepare(sums).plan.layout.size).toBe(144);
    const noise = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(prepare({ privacy: noise }, { name: "dp-fedavg" }).plan.layout.size).toBe(144);
    const { live } = smallRun({ name: "fedavg" }, { model: { name: "mlp", hidden: [6] }, adapters: { pool: 4 } });
    expect(live.plan.layout.entries.map(({ name }) => name)).toEqual(NAMES);
  });

  it("has an identity of its own, and leaves that of others alone", () => {
    const hash = (adapters: ConfigInput["adapters"]) => configHash(resolveConfig({ adapters }));
    const all = [{}, { pool: 4 }, { pool: 5 }, { pool: 4, poolTop: 1 }, { pool: 4, keyWeight: 0.2 }];
    expect(new Set(all.map(hash)).size).toBe(5);
    expect(layout(prepare().model.parameters).size).toBe(2 * 6 + 6 + 6 * 3 + 3 + 144);
  });

  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["adapters.rank", { adapters: { pool: 4, rank: 2 } }],
    ["adapters.rule", { adapters: { pool: 4, rule: "flexlora" } }],
    ["adapters.targets", { adapters: { pool: 4, targets: "dense1" } }],
    ["adapters.alpha", { adapters: { pool: 4, alpha: 2 } }],
    ["adapters.poolTop", { adapters: { poolTop: 2 } }],
    ["adapters.keyWeight", { adapters: { rank: 2, keyWeight: 0.2 } }],
    ["training.loss", { training: { batchSize: 4, localSteps: 1, loss: { adjustment: "client" } } }],
    ["adapters", {}, { name: "heterofl" }],
    ["adapters", {}, { name: "hyperfl" }],
    ["adapters", {}, { name: "pfedlora" }],
  ])("is refused with %s: %o %o", (key, more, algorithm) => {
    expect(() => prepare(more, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it.each(["fedgh", "ggeur"])("has no head that clients could share: %s", (name) => {
    expect(() => prepare({ sampler: { cohort: 4 } }, { name })).toThrow(
      expect.objectContaining({ code: "parameters/unknown" }),
    );
  });
});
