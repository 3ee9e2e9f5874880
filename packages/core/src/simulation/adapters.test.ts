import { describe, expect, it } from "vitest";
import { deltaOf, exactUpdate, frobeniusDistance } from "../adapters/index.ts";
import { pairsIn, readPair } from "../adapters/model-pairs.ts";
import type { RoundContext } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import type { ConfigInput } from "../config/index.ts";
import { configHash, resolveConfig } from "../config/index.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { withAdapters } from "../models/low-rank-adapters.ts";
import { mlp } from "../models/mlp.ts";
import { entryView, type LayoutEntry, layout, subLayout } from "../params/layout.ts";
import { withPairRule } from "./pair-rule.ts";

const prepare = (more: ConfigInput, algorithm: ConfigInput["algorithm"] = { name: "fedavg" }) =>
  smallSimulation(algorithm, { adapters: { rank: 2 }, ...more }).prepared;

const factors = ["1", "2", "3"].flatMap((layer) => ["a", "b"].map((f) => `dense${layer}.weight.lora.${f}`));

describe("a run with adapters", () => {
  it("shares the factors alone and freezes the model", () => {
    const { plan } = prepare({});
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(factors);
    expect(plan.held?.split.frozen.entries.map(({ name }) => name)).toEqual(
      ["1", "2", "3"].flatMap((layer) => [`dense${layer}.bias`, `dense${layer}.weight`]),
    );
    const start = plan.layout.entries.map((entry) => entryView(plan.initial, entry).every((value) => value === 0));
    expect(start).toEqual([false, true, false, true, false, true]);
  });

  it("trains the head and biases as well where they are taken back", () => {
    const names = (frozen: string[]) => prepare({ parameters: { frozen } }).plan.layout.entries.map(({ name }) => name);
    expect(names(["!head"])).toEqual([...factors.slice(0, 4), "dense3.bias", "dense3.weight", ...factors.slice(4)]);
    expect(names(["!bias"]).filter((name) => name.endsWith("bias"))).toHaveLength(3);
    const { split } = prepare({ parameters: { personal: "head" } }).plan.held!;
    expect(split.personal.entries.map(({ name }) => name)).toEqual([
      "dense3.bias",
      "dense3.weight",
      "dense3.weight.lora.a",
      "dense3.weight.lora.b",
    ]);
  });

  it("keeps the first factors as drawn under ffa", async () => {
    const prepared = prepare({ adapters: { rank: 2, rule: "ffa" } });
    expect(prepared.plan.layout.entries.map(({ name }) => name)).toEqual(factors.filter((name) => name.endsWith("b")));
    const { parameters } = await simulateSmall(prepared);
    expect(parameters.some((value) => value !== 0)).toBe(true);
  });

  it("starts from weights of the model without adapters", () => {
    const base = prepare({ adapters: {} });
    const tensors = Object.fromEntries(
      base.plan.layout.entries.map((entry) => [
        entry.name,
        { dtype: "F32" as const, shape: entry.shape, data: Float32Array.from({ length: entry.size }, (_, i) => i + 1) },
      ]),
    );
    const { plan } = smallSimulation(
      { name: "fedavg" },
      { adapters: { rank: 2 } },
      { weights: { tensors, metadata: { anabranch: "1" } } },
    ).prepared;
    const { split, frozen } = plan.held!;
    for (const entry of split.frozen.entries) expect(entryView(frozen, entry)[0]).toBe(1);
    expect(plan.initial).toEqual(prepare({}).plan.initial);
  });

  it.each(["lora-fair", "flexlora"] as const)("learns under %s, near what means of factors learn", async (rule) => {
    const losses = async (adapters: ConfigInput["adapters"]) => {
      const { parameters } = await simulateSmall(prepare({ adapters, sampler: { cohort: 4 } }));
      return parameters;
    };
    const [mean, made] = [await losses({ rank: 2 }), await losses({ rank: 2, rule })];
    expect(made).not.toEqual(mean);
    expect(made.every(Number.isFinite)).toBe(true);
  });

  it("is fedit under a large lambda", async () => {
    const end = async (adapters: ConfigInput["adapters"]) => (await simulateSmall(prepare({ adapters }))).parameters;
    const [mean, made] = [await end({ rank: 2 }), await end({ rank: 2, rule: "lora-fair", lambda: 1e12 })];
    expect(Math.max(...mean.map((value, i) => Math.abs(value - made[i]!)))).toBeLessThan(1e-9);
  });

  it("has today's identity without adapters, and another with each key", () => {
    const hash = (adapters: ConfigInput["adapters"]) => configHash(resolveConfig({ adapters }));
    expect(hash({ rule: "flexlora", targets: "dense1" })).toBe(hash({}));
    const all = [{ rank: 2 }, { rank: 3 }, { rank: 2, alpha: 1 }, { rank: 2, targets: "head" }];
    const rules = [
      { rank: 2, rule: "ffa" as const },
      { rank: 2, rule: "lora-fair" as const },
    ];
    expect(new Set([{}, ...all, ...rules].map(hash)).size).toBe(7);
  });
});

describe("flora", () => {
  const adapters = { rank: 2, rule: "flora" as const, targets: "dense1" };

  it("merges the mean of the products into the weight, and begins with fresh factors", async () => {
    const all = prepare({ adapters, sampler: { cohort: 4 }, rounds: 1 });
    const { plan } = all;
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(["dense1.weight", ...factors.slice(0, 2)]);
    const updates: Float64Array[] = [];
    const spied = {
      ...plan.algorithm,
      update: (...given: Parameters<typeof plan.algorithm.update>) => {
        updates.push(Float64Array.from(given[1]["delta"]!));
        return plan.algorithm.update(...given);
      },
    };
    const { parameters } = await simulateSmall({ ...all, plan: { ...plan, algorithm: spied } });
    const [weight, a, b] = plan.layout.entries as [LayoutEntry, LayoutEntry, LayoutEntry];
    const of = (entry: LayoutEntry, values: ArrayLike<number>) =>
      Array.from({ length: entry.size }, (_, i) => values[entry.offset + i]!);
    // four clients of 12 examples each; features 2, hidden 3, rank 2, scale 2
    const [startA, size] = [of(a, plan.initial), a.size + b.size];
    const expected = of(weight, plan.initial).map((value, at) => {
      let sum = 0;
      for (let k = 0; k < 4; k++) {
        const row = updates[0]!.subarray(k * size, (k + 1) * size);
        for (let r = 0; r < 2; r++) {
          const left = startA[Math.floor(at / 3) * 2 + r]! + row[Math.floor(at / 3) * 2 + r]!;
          sum += (2 / 4) * left * row[a.size + r * 3 + (at % 3)]!;
        }
      }
      return value + sum;
    });
    const after = of(weight, parameters);
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(expected[i]!, 12);
    expect(after).not.toEqual(of(weight, plan.initial));
    expect(of(b, parameters).every((value) => value === 0)).toBe(true);
    expect(of(a, parameters)).not.toEqual(startA);
  });

  it("sends the factors alone", () => {
    const { payloads } = prepare({ adapters }).plan;
    expect(payloads.upload["delta"]!.layout.entries.map(({ name }) => name)).toEqual(factors.slice(0, 2));
    expect(payloads.broadcast["base"]!.entries.map(({ name }) => name)).toEqual(["dense1.weight"]);
  });
});

describe("fed-sb", () => {
  it("trains and sends cores between the singular vectors of the frozen weights", async () => {
    const prepared = prepare({ adapters: { rank: 2, rule: "fed-sb", targets: ["dense1", "dense2"] } });
    const { plan } = prepared;
    expect(plan.layout.entries.map(({ name, shape }) => [name, ...shape])).toEqual([
      ["dense1.weight.lora.core", 2, 2],
      ["dense2.weight.lora.core", 2, 2],
    ]);
    const { split, frozen } = plan.held!;
    const at = (name: string) => {
      const entry = split.frozen.entries.find((one) => one.name === name)!;
      return Array.from(entryView(frozen, entry));
    };
    // dense1 is [2, 3]: of full rank, so U U^T W = W, and rows of V^T are of length 1
    const [u, v, w] = [at("dense1.weight.lora.a"), at("dense1.weight.lora.b"), at("dense1.weight")];
    const projector = [0, 1].flatMap((i) => [0, 1].map((j) => u[2 * i]! * u[2 * j]! + u[2 * i + 1]! * u[2 * j + 1]!));
    for (const [i, j] of [0, 1].flatMap((row) => [0, 1, 2].map((column) => [row, column] as const)))
      expect(projector[2 * i]! * w[j]! + projector[2 * i + 1]! * w[3 + j]!).toBeCloseTo(w[3 * i + j]!, 6);
    expect(Math.hypot(...v.slice(0, 3))).toBeCloseTo(1, 6);
    expect(plan.initial.every((value) => value === 0)).toBe(true);
    const { parameters } = await simulateSmall(prepared);
    expect(parameters.some((value) => value !== 0)).toBe(true);
  });
});

describe("rules for pairs", () => {
  const model = withAdapters(mlp({ input: [4], inputType: "float", hidden: [5], classes: 3 }), { rank: 2 });
  const whole = layout(model.parameters);
  const shared = subLayout(whole, ({ name }) => name.includes("lora") || name === "dense2.bias");
  const wave = (seed: number) => Float64Array.from({ length: shared.size }, (_, i) => Math.sin(2.1 * i + seed));
  const weights = [3, 1, 4];
  const global = wave(0);
  const updates = [1, 2, 3].map(wave);
  const context = { layout: shared, weights, clients: [0, 1, 2] } as unknown as RoundContext;
  const play = (rule: "lora-fair" | "flexlora", serverLearningRate = 1) => {
    const method = withPairRule(fedavg({ serverLearningRate }), { rule, adapters: model.adapters! });
    const state = { vectors: { parameters: global }, scalars: {} };
    const side = Float64Array.from(updates.flatMap((update) => [...update]));
    return method.update(state, { delta: side }, context).vectors.parameters;
  };

  it("give the best pair of the rank, and the mean of the rest", () => {
    const after = play("flexlora");
    for (const pair of pairsIn(shared, model.adapters!)) {
      const clients = updates.map((update, k) => ({
        ...readPair(
          pair,
          global.map((value, i) => value + update[i]!),
          2,
        ),
        weight: weights[k]!,
      }));
      const exact = exactUpdate(clients);
      const made = deltaOf(readPair(pair, after, 2));
      const fair = deltaOf(readPair(pair, play("lora-fair"), 2));
      const mean = global.map((value, i) => value + updates.reduce((s, u, k) => s + weights[k]! * u[i]!, 0) / 8);
      const plain = deltaOf(readPair(pair, mean, 2));
      const [a, b, c] = [made, fair, plain].map((delta) => frobeniusDistance(delta, exact));
      expect(a!).toBeLessThan(b!);
      expect(b!).toBeLessThan(c!);
    }
    const bias = shared.entries.find(({ name }) => name === "dense2.bias")!;
    const expected = [0, 1, 2].map((i) => {
      const at = bias.offset + i;
      return global[at]! + (3 * updates[0]![at]! + updates[1]![at]! + 4 * updates[2]![at]!) / 8;
    });
    expect(Array.from(entryView(after, bias))).toEqual(expected.map((value) => expect.closeTo(value, 12)));
  });

  it("are a change that the method's server half steps along", () => {
    const [whole, half] = [play("flexlora"), play("flexlora", 0.5)];
    for (let i = 0; i < whole.length; i++) expect(half[i]! - global[i]!).toBeCloseTo((whole[i]! - global[i]!) / 2, 12);
  });

  it("leave a pair that nobody has changed able to learn", () => {
    const method = withPairRule(fedavg(), { rule: "flexlora", adapters: model.adapters! });
    const start = global.map((value, i) =>
      shared.entries.some(({ name, offset, size }) => name.endsWith("b") && i >= offset && i < offset + size)
        ? 0
        : value,
    );
    const none = new Float64Array(3 * shared.size);
    const after = method.update({ vectors: { parameters: start }, scalars: {} }, { delta: none }, context);
    for (const { entries } of pairsIn(shared, model.adapters!))
      expect(Array.from(entryView(after.vectors.parameters, entries.a))).toEqual(
        Array.from(entryView(start, entries.a), (value) => expect.closeTo(value, 12)),
      );
  });
});

describe("refusals", () => {
  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["adapters.rule", {}, { name: "scaffold" }],
    ["adapters.rule", {}, { name: "fedbcgd", blocks: 2 }],
    ["adapters.rule", { aggregation: { rule: "median" } }],
    ["adapters.rule", { training: { gradientClip: 1, batchSize: 4 }, adapters: { rank: 2, rule: "flora" } }],
    ["adapters.rule", { parameters: { personal: "head" }, adapters: { rank: 2, rule: "flora" } }],
    [
      "privacy.mechanism",
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      { name: "dp-fedavg" },
    ],
    ["secureAggregation.protocol", { secureAggregation: { protocol: "plain" } }],
  ])("%s for a rule that sees single factors: %o", (key, more, algorithm) => {
    expect(() => prepare({ adapters: { rank: 2, rule: "flexlora" }, ...more }, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it("are none for means, which privacy and secure aggregation sum", () => {
    const sums = { secureAggregation: { protocol: "plain" as const } };
    expect(prepare({ ...sums, adapters: { rank: 2, rule: "ffa" } }).plan.layout.size).toBeGreaterThan(0);
  });
});
