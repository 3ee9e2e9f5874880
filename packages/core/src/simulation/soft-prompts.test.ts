import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { simulateSmall } from "../conformance/small-live-run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { prepareRun } from "./prepare.ts";
import type { CustomParts } from "./resolve-method.ts";
import { pictures } from "./testing/pictures.ts";

const model = { name: "vit", patch: 2, width: 4, depth: 1, heads: 1 } as const;

const small = (more: ConfigInput = {}, algorithm: ConfigInput["algorithm"] = { name: "fedavg" }, own?: CustomParts) => {
  const config = resolveConfig({
    rounds: 2,
    data: { clients: 4, partition: { scheme: "iid" } },
    model,
    adapters: { prompts: 3 },
    algorithm,
    training: { batchSize: 4, localSteps: 2, learningRate: 0.1 },
    sampler: { cohort: 3 },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  const prepared = prepareRun(config, { train: pictures(24), test: pictures(6) }, identity, 0, "prompts", own);
  return { config, prepared };
};
const prepare = (...given: Parameters<typeof small>) => small(...given).prepared;

describe("a run with prompts", () => {
  it("trains and sends the tokens alone, and freezes the model", async () => {
    const prepared = prepare();
    const { plan } = prepared;
    expect(plan.layout.entries.map(({ name }) => name)).toEqual(["prompts.weight"]);
    expect(plan.payloads.upload["delta"]!.layout.size).toBe(12);
    const { parameters } = await simulateSmall(prepared);
    expect(parameters.every((value, i) => value !== plan.initial[i])).toBe(true);
  });

  it("trains the classifier as well where it is taken back", () => {
    const names = prepare({ parameters: { frozen: "!head" } }).plan.layout.entries.map(({ name }) => name);
    expect(names).toEqual(["head.bias", "head.weight", "prompts.weight"]);
  });

  it("starts from weights of the model without them", () => {
    const base = prepare({ adapters: {} });
    const tensors = Object.fromEntries(
      base.plan.layout.entries.map(({ name, shape, size }) => [
        name,
        { dtype: "F32" as const, shape, data: new Float32Array(size).fill(2) },
      ]),
    );
    const weights = { tensors, metadata: { anabranch: "1" } };
    const { plan } = prepare({}, { name: "fedavg" }, { weights });
    expect(Array.from(plan.held!.frozen).every((value) => value === 2)).toBe(true);
    expect(plan.initial).toEqual(prepare().plan.initial);
  });

  it("is a mean for secure sums and noise, and is served to live clients", () => {
    expect(prepare({ secureAggregation: { protocol: "plain" } }).plan.layout.size).toBe(12);
    const noise = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(prepare({ privacy: noise }, { name: "dp-fedavg" }).plan.layout.size).toBe(12);
    const { prepared, config } = small();
    expect(forLiveClients(prepared, config).plan.layout.entries.map(({ name }) => name)).toEqual(["prompts.weight"]);
  });

  it("has an identity of its own", () => {
    const hash = (adapters: ConfigInput["adapters"]) => configHash(resolveConfig({ adapters }));
    expect(new Set([{}, { prompts: 4 }, { prompts: 5 }].map(hash)).size).toBe(3);
  });

  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["adapters.rank", { adapters: { prompts: 4, rank: 2 } }],
    ["adapters.pool", { adapters: { prompts: 4, pool: 2 } }],
    ["adapters.rule", { adapters: { prompts: 4, rule: "flexlora" } }],
    ["adapters.targets", { adapters: { prompts: 4, targets: "head" } }],
    ["adapters", {}, { name: "heterofl" }],
    ["adapters", {}, { name: "hyperfl" }],
  ])("is refused with %s: %o %o", (key, more, algorithm) => {
    expect(() => prepare(more, algorithm)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });
});
