import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import { scaffold } from "../algorithms/scaffold.ts";
import type { CompressionLink } from "../compression/index.ts";
import { resolveConfig } from "../config/index.ts";
import { layout } from "../params/layout.ts";
import type { UploadCompression } from "../pipeline/index.ts";
import { configuredCompression } from "./compression.ts";
import { traceFederation } from "./trace-federation.ts";

const a = [
  [1, 2, 0.5, 1.5, 1, 3],
  [2, 1, 1.5, 0.5, 2, 1],
  [1, 1, 1, 2, 0.5, 2],
];
const b = [
  [1, -1, 2, 0, 3, -2],
  [0, 1, -1, 2, 1, 0],
  [-1, 0, 1, 1, -2, 2],
];
const everyone = [0, 1, 2];

function problem(rounds: number, compression: Partial<UploadCompression>) {
  const settings = { feedback: "none", momentum: 0, nesterov: false, masking: true, scope: "model" } as const;
  return {
    ...{ a, b, x0: [4, 4, 4, 4, 4, 4], learningRate: 0.1, localSteps: 1 },
    cohorts: Array.from({ length: rounds }, () => everyone),
    compression: { ...settings, vectors: ["delta"], up: [], ...compression },
  };
}

const minimum = a[0]!.map((_, j) => {
  const curvature = everyone.reduce((sum, i) => sum + a[i]![j]!, 0);
  return everyone.reduce((sum, i) => sum + a[i]![j]! * b[i]![j]!, 0) / curvature;
});

async function distance(up: CompressionLink[], feedback: UploadCompression["feedback"], rounds = 150) {
  const { rounds: trace } = await traceFederation(fedavg({}), problem(rounds, { up, feedback }));
  return Math.max(...trace.at(-1)!.map((x, j) => Math.abs(x - minimum[j]!)));
}

describe("compressed uploads", () => {
  const top: CompressionLink[] = [{ name: "top-k", density: 0.34 }];

  it("without feedback stay away from the minimum, with EF21 or EF21+ they reach it", async () => {
    expect(await distance(top, "none")).toBeGreaterThan(0.05);
    expect(await distance(top, "ef21")).toBeLessThan(1e-6);
    expect(await distance(top, "ef21+")).toBeLessThan(1e-6);
  });

  it("that keep everything are FedAvg itself", async () => {
    const up: CompressionLink[] = [{ name: "top-k", density: 1 }];
    const { compression: _none, ...plain } = problem(5, {});
    const { rounds } = await traceFederation(fedavg({}), plain);
    for (const feedback of ["none", "ef14"] as const) {
      expect((await traceFederation(fedavg({}), problem(5, { up, feedback }))).rounds).toEqual(rounds);
    }
    const { rounds: estimated } = await traceFederation(fedavg({}), problem(5, { up, feedback: "ef21" }));
    for (const [r, x] of estimated.entries())
      for (const [j, v] of x.entries()) expect(v).toBeCloseTo(rounds[r]![j]!, 12);
  });

  it("leave the other vectors of a method as they are", async () => {
    const up: CompressionLink[] = [{ name: "qsgd", levels: 4, bucket: 512, coding: "elias" }];
    const { server } = await traceFederation(scaffold({}), problem(3, { up }));
    expect(server.vectors["control"]!.every(Number.isFinite)).toBe(true);
  });
});

describe("a configuration", () => {
  const model = layout([{ name: "w", shape: [6], role: "vector", block: "w" }]);

  function configured(method: ReturnType<typeof fedavg>, settings: object) {
    const config = resolveConfig({ compression: { up: ["top-k density=0.5"] }, ...settings });
    return configuredCompression(config, { algorithm: method, payloads: method.payloads(model) });
  }

  it("compresses the change of the model unless it names vectors", () => {
    expect(configured(scaffold({}), {})?.vectors).toEqual(["delta"]);
    const compression = { up: ["top-k density=0.5"], vectors: ["control"] };
    expect(configured(scaffold({}), { compression })?.vectors).toEqual(["control"]);
    expect(configured(fedavg({}), { compression: {} })).toBeUndefined();
  });

  it.each<[string, object]>([
    ["privacy.mechanism", { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } }],
    ["secureAggregation.protocol", { secureAggregation: { protocol: "bonawitz" } }],
    ["aggregation.weighting", { compression: { up: ["sign"], feedback: "ef21" } }],
    ["compression.vectors", { compression: { up: ["sign"], vectors: ["gradient"] } }],
  ])("is refused for its %s", (key, settings) => {
    expect(() => configured(fedavg({}), settings)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) as string }) as Error,
    );
  });
});
