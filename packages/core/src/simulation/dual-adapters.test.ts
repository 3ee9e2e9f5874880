import { describe, expect, it } from "vitest";
import { PERSONAL } from "../client/personal-half.ts";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { observe, whole } from "../conformance/testing/observed-run.ts";
import { entryView } from "../params/layout.ts";

const adapters: ConfigInput = { ...whole, adapters: { bottleneck: 2 } };
const NAMES = ["down.bias", "down.weight", "up.bias", "up.weight"].map((part) => `dense1.adapter.${part}`);
/** 2 units after 3: 2 + 3 * 2 + 3 + 2 * 3 */
const SIZE = 17;

describe("a run with bottleneck adapters", () => {
  it("trains and sends the adapters alone, and freezes the model", async () => {
    const { plan, messages, result } = await observe({ name: "fedavg" }, { ...adapters, rounds: 2 });
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(NAMES);
    expect(plan.held!.split.frozen.entries).toHaveLength(4);
    const lengths = messages.flatMap((message) => Object.values(message).map(({ length }) => length));
    expect(new Set(lengths)).toEqual(new Set([SIZE]));
    // the narrow layer has a gradient once the wide one has moved
    for (const entry of plan.layout.entries)
      expect(entryView(result.parameters, entry)).not.toEqual(entryView(plan.initial, entry));
  });

  it("is a mean for secure sums, noise and live clients", () => {
    const prepare = (more: ConfigInput, name = "fedavg") =>
      smallSimulation({ name }, { ...adapters, ...more }).prepared.plan.layout.size;
    expect(prepare({ secureAggregation: { protocol: "plain" } })).toBe(SIZE);
    const noise = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(prepare({ privacy: noise, sampler: { name: "poisson", cohort: 3 } }, "dp-fedavg")).toBe(SIZE);
    const { data: _data, ...live } = adapters;
    expect(smallRun({ name: "fedavg" }, live).live.plan.layout.size).toBe(SIZE);
  });

  it("has an identity of its own, and leaves that of others alone", () => {
    const hash = (given: ConfigInput["adapters"]) => configHash(resolveConfig({ adapters: given }));
    const all = [{}, { bottleneck: 2 }, { bottleneck: 3 }, { bottleneck: 2, targets: "dense1" }, { rank: 2 }];
    expect(new Set(all.map(hash)).size).toBe(5);
  });

  it.each<[string, ConfigInput["adapters"]]>([
    ["adapters.rank", { bottleneck: 2, rank: 2 }],
    ["adapters.alpha", { bottleneck: 2, alpha: 2 }],
    ["adapters.lambda", { bottleneck: 2, lambda: 0.1 }],
    ["adapters.rule", { bottleneck: 2, rule: "flexlora" }],
    ["adapters.bottleneck", { bottleneck: 2, pool: 2 }],
  ])("is refused with %s: %o", (key, given) => {
    expect(() => smallSimulation({ name: "fedavg" }, { ...adapters, adapters: given })).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });
});

describe("feddat", () => {
  const method = { name: "feddat" };

  it("sends the shared adapters alone, and keeps the local ones and heads", async () => {
    const { plan, messages, states, updates } = await observe(method, { ...adapters, rounds: 3 });
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(NAMES);
    const { personal } = plan.held!.split;
    const kept = [...NAMES.map((name) => name.replace("adapter", "local")), "dense2.bias", "dense2.weight"];
    expect(personal.entries.map(({ name }) => name)).toEqual(kept);
    const names = new Set(messages.flatMap((message) => Object.keys(message)));
    expect([...names].sort()).toEqual(["delta", "parameters"]);
    const sent = new Set(messages.flatMap((message) => Object.values(message).flatMap((vector) => Array.from(vector))));
    for (const state of states) {
      const own = Array.from(state[PERSONAL]!).filter((value) => value !== 0);
      expect(own.length).toBeGreaterThan(SIZE);
      expect(own.filter((value) => sent.has(value))).toEqual([]);
    }
    for (const { delta } of updates.values()) expect(delta!.length).toBe(SIZE);
  });

  it("is FedAvg of the shared adapters where nothing is distilled and heads stay", async () => {
    const more = { ...adapters, rounds: 3 };
    const dual = await observe({ ...method, kdWeight: 0, trainsHead: false }, more);
    const single = await observe({ name: "fedavg" }, more);
    expect(dual.plan.initial).toEqual(single.plan.initial);
    expect(dual.result.parameters).not.toEqual(dual.plan.initial);
    for (const [j, value] of single.result.parameters.entries())
      expect(dual.result.parameters[j]).toBeCloseTo(value, 13);
    // and not so where it distils
    const taught = await observe({ ...method, trainsHead: false }, more);
    const apart = taught.result.parameters.map((value, j) => Math.abs(value - single.result.parameters[j]!));
    expect(Math.max(...apart)).toBeGreaterThan(1e-4);
  });

  it("evaluates both adapters, or the one that inference names", async () => {
    const data = { ...whole.data, holdout: 0.25 };
    const evaluation = { every: 2, clientEvery: 2 };
    const training = { ...whole.training, localSteps: 20, learningRate: 1 };
    const run = (inference: string) =>
      observe({ ...method, inference }, { ...adapters, rounds: 2, data, evaluation, training });
    const [dual, local, shared] = [await run("dual"), await run("local"), await run("shared")];
    expect(local.result.parameters).toEqual(dual.result.parameters);
    expect(local.states).toEqual(dual.states);
    const losses = [dual, local, shared].map(({ events }) => {
      const found = events.findLast((event) => event.type === "evaluation");
      return JSON.stringify(found);
    });
    expect(new Set(losses).size).toBe(3);
  });

  it("starts from weights of the model without adapters", () => {
    const base = smallSimulation({ name: "fedavg" }, whole).prepared.plan.layout;
    const tensors = Object.fromEntries(
      base.entries.map(({ name, shape, size }) => [
        name,
        { dtype: "F32" as const, shape, data: new Float32Array(size).fill(2) },
      ]),
    );
    const { plan } = smallSimulation(method, adapters, { weights: { tensors, metadata: { anabranch: "1" } } }).prepared;
    expect(Array.from(plan.held!.frozen).every((value) => value === 2)).toBe(true);
    const head = plan.held!.split.personal.entries.find(({ name }) => name === "dense2.weight")!;
    expect(Array.from(entryView(plan.held!.personal, head)).every((value) => value === 2)).toBe(true);
  });

  it.each<[ConfigInput, RegExp]>([
    [{ adapters: {} }, /no bottleneck adapters/],
    [{ adapters: { rank: 2 } }, /no bottleneck adapters/],
    [{ adapters: { pool: 2 } }, /no bottleneck adapters/],
    [{ parameters: { personal: "head" } }, /parameters.personal.*itself says/s],
    [{ parameters: { frozen: "!head" } }, /parameters.frozen.*itself says/s],
    [{ training: { ...whole.training, loss: { margin: 0.1 } } }, /training.loss.margin/],
    [{ training: { ...whole.training, upSampling: { rounds: 1 } } }, /training.upSampling/],
  ])("refuses %j", (more, message) => {
    expect(() => smallSimulation(method, { ...adapters, rounds: 4, ...more })).toThrow(message);
  });

  it("is clipped as any other under privacy of clients, and refused in a live run", async () => {
    const privacy = { mechanism: "gaussian", clipNorm: 1e-6, noiseMultiplier: 0, delta: 1e-3 } as const;
    const more = { ...adapters, privacy, sampler: { name: "poisson", cohort: 3 }, rounds: 2 } as const;
    const { plan, result } = await observe(method, more);
    expect(plan.stages.privacy).toMatchObject({ clipNorm: 1e-6 });
    const moved = Math.hypot(...result.parameters.map((value, j) => value - plan.initial[j]!));
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(1e-5);
    expect(() => smallRun(method, adapters)).toThrow(/in a live run/);
  });
});
