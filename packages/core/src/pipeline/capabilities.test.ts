import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { type Layout, layout } from "../params/layout.ts";
import { capabilitiesOf, type Feature, requireCapable } from "./capabilities.ts";

const model = layout([
  { name: "a", shape: [4, 4], role: "matrix", block: "a" },
  { name: "b", shape: [4, 4], role: "matrix", block: "b" },
  { name: "c", shape: [4], role: "head", block: "c" },
]);
const classifier = layout([
  { name: "head.bias", shape: [3], role: "head", block: "head" },
  { name: "head.weight", shape: [4, 3], role: "head", block: "head" },
]);
const of = (name: string, options: object = {}, on: Layout = model) => {
  const algorithm = createAlgorithm(name, { ...options });
  return capabilitiesOf(algorithm, algorithm.payloads(on));
};
const allowed = (feature: Feature, name: string, options: object = {}, on: Layout = model) => {
  try {
    requireCapable(feature, "x", of(name, options, on));
    return true;
  } catch {
    return false;
  }
};

describe("what acts on updates", () => {
  it.each<[name: string, options: object, expected: boolean[], on?: Layout]>([
    // clip norm, differential privacy, adaptive clip norm, secure aggregation
    ["fedavg", {}, [true, true, true, true]],
    ["fedcm", {}, [true, true, true, true]],
    ["scaffold", {}, [false, false, true, false]],
    ["fedbcgd", {}, [true, false, true, false]],
    ["fedau", {}, [false, false, true, false]],
    ["fedmuon", { upload: "truncated-svd", rankShare: 0.5 }, [true, false, true, false]],
    ["diff2", {}, [true, true, false, true]],
    ["fedgh", {}, [false, false, true, false], classifier],
  ])("%s %j", (name, options, expected, on) => {
    const features = [
      "aggregation.clipNorm",
      "privacy.mechanism",
      "privacy.targetQuantile",
      "secureAggregation.protocol",
    ] as const;
    expect(features.map((feature) => allowed(feature, name, options, on))).toEqual(expected);
  });

  it("is refused with the key, the method, the reason and advice", () => {
    expect(() => requireCapable("privacy.mechanism", '"gaussian"', of("scaffold"))).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({
          code: "config/conflict",
          where: "privacy.mechanism",
          received: '"gaussian", with algorithm.name = "scaffold", whose clients keep control',
          advice: "What a client keeps would differ from what was clipped and noised.",
        }),
      }),
    );
  });
});
