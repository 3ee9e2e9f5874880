import { onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { classAccuracies } from "../round/class-accuracies.ts";
import { areaUnderCurve, classMetrics } from "./class-metrics.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

describe("areaUnderCurve", () => {
  it("is the share of pairs in which the example of class 1 has the higher score, ties counting half", () => {
    // pairs (1: 0.8, 0.5; 0: 0.5, 0.2): 0.8 wins twice, 0.5 ties once and wins once: 3.5 of 4
    expect(areaUnderCurve([0.8, 0.5, 0.5, 0.2], [1, 1, 0, 0])).toBeCloseTo(3.5 / 4, 12);
    expect(areaUnderCurve([1, 2, 3], [0, 0, 1])).toBe(1);
    expect(areaUnderCurve([3, 2, 1], [0, 0, 1])).toBe(0);
    expect(areaUnderCurve([1, 2], [1, 1])).toBeNaN();
  });
});

/** Two classes in two dimensions; the later a class, the further up. */
function dataset(name: string, examples: number): ArrayDataset {
  const features = Float32Array.from({ length: examples * 2 }, (_, i) => Math.sin(i * 7) + ((i >> 1) % 2));
  const labels = Uint8Array.from({ length: examples }, (_, i) => i % 2);
  return {
    name,
    features: { dtype: "float", shape: [examples, 2], data: features },
    labels: { dtype: "uint8", shape: [examples], data: labels },
    classes: 2,
    classNames: ["well", "ill"],
  };
}

describe("classMetrics", () => {
  it("agree with the accuracy of the evaluation, and have the names of the classes", async () => {
    const config = resolveConfig({
      model: { name: "logistic" },
      evaluation: { batch: 30 },
      data: { clients: 4, partition: { scheme: "iid" } },
      sampler: { cohort: 2 },
    });
    const executor = await onnxruntimeNode();
    const { name, version, float } = executor;
    const data = { train: dataset("train", 40), test: dataset("test", 70) };
    const prepared = prepareRun(config, data, { name, version, float, fingerprint: "" }, 0, "test");
    const { evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
    const parameters = Float32Array.from(prepared.plan.initial, (_, i) => Math.cos(i));
    const sums = await evaluator.evaluate(parameters);
    expect(classAccuracies(sums.classes!)).toEqual({ worst: Math.min(...sums.classes!.hits.map((hits) => hits / 35)) });
    const metrics = (await classMetrics(prepared, parameters, executor))!;
    await close();
    expect(metrics).toMatchObject({ examples: 70, classNames: ["well", "ill"] });
    expect(metrics.confusion.map((row) => row.reduce((a, b) => a + b))).toEqual([35, 35]);
    expect(metrics.confusion.reduce((sum, row, label) => sum + row[label]!, 0)).toBe(sums.score);
    expect(sums.classes).toEqual({ examples: [35, 35], hits: metrics.confusion.map((row, label) => row[label]) });
    expect(sums.score).toBeGreaterThan(0);
    expect(metrics.auc).toBeGreaterThan(0);
  });
});
