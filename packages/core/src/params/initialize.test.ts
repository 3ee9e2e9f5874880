import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { type InitializableSpec, initialParameters } from "./initialize.ts";
import { entryView, layout } from "./layout.ts";

const specs: InitializableSpec[] = [
  { name: "b", shape: [5000], role: "matrix", block: "b", initialize: { kind: "uniform", limit: 0.25 } },
  { name: "a", shape: [5000], role: "matrix", block: "a", initialize: { kind: "normal", deviation: 2 } },
  { name: "z", shape: [3], role: "vector", block: "a", initialize: { kind: "zeros" } },
  { name: "o", shape: [3], role: "normalization", block: "a", initialize: { kind: "ones" } },
];

function parameter(all: readonly InitializableSpec[], name: string, seed = 1): number[] {
  const entry = layout(all).entries.find((candidate) => candidate.name === name)!;
  return [...entryView(initialParameters(all, rootKey(seed)), entry)];
}

describe("initialParameters", () => {
  it("fills each parameter by its own rule", () => {
    expect(parameter(specs, "z")).toEqual([0, 0, 0]);
    expect(parameter(specs, "o")).toEqual([1, 1, 1]);
    const uniform = parameter(specs, "b");
    expect(Math.max(...uniform.map(Math.abs))).toBeLessThanOrEqual(0.25);
  });

  it("has the moments asked for", () => {
    // 5,000 draws with a fixed seed. Uniform(-1/4, 1/4): deviation 0.1443, of the mean 0.0020. Normal(0, 2): of the mean
    // 0.028, of the variance 4 sqrt(2 / 5000) = 0.08. Bounds at five deviations: one seed in 1.7 million would fail.
    const uniform = parameter(specs, "b");
    const normal = parameter(specs, "a");
    expect(Math.abs(mean(uniform))).toBeLessThan(0.01);
    expect(Math.abs(mean(normal))).toBeLessThan(0.14);
    expect(Math.abs(mean(normal.map((x) => x * x)) - 4)).toBeLessThan(0.4);
  });

  it("does not depend on order or on the other parameters", () => {
    expect(initialParameters([...specs].reverse(), rootKey(1))).toEqual(initialParameters(specs, rootKey(1)));
    expect(parameter(specs.slice(0, 1), "b")).toEqual(parameter(specs, "b"));
  });

  it("depends on the seed and on the name", () => {
    expect(parameter(specs, "b", 2)).not.toEqual(parameter(specs, "b", 1));
    const renamed = specs.map((spec) => (spec.name === "b" ? { ...spec, name: "c" } : spec));
    expect(parameter(renamed, "c")).not.toEqual(parameter(specs, "b"));
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
