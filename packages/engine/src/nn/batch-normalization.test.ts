import { describe, expect, it } from "vitest";
import { evaluate } from "../executor/evaluate.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import * as nn from "./index.ts";

const layer = nn.batchNorm("norm", 2);
const values = { "norm.gamma": [2, 1], "norm.beta": [0, 5], "norm.mean": [1, 0], "norm.variance": [4, 1] };
const parameters = Object.fromEntries(Object.entries(values).map(([name, data]) => [name, constant(data, [2])]));

/** Output and reports of one training step. */
function train(x: readonly number[], weights: readonly number[], fixed?: ReadonlySet<string>) {
  const reported: Record<string, Tensor> = {};
  const batch = {
    weights: constant(weights, [weights.length]),
    report(name: string, value: Tensor) {
      reported[name] = value;
    },
    ...(fixed && { fixed }),
  };
  const y = layer.apply(parameters, constant(x, [weights.length, 2]), { batch });
  return { y: [...evaluate(y).data], reported: Object.entries(reported).map(([n, t]) => [n, [...evaluate(t).data]]) };
}

describe("nn.batchNorm", () => {
  it("uses the running statistics in evaluation", async () => {
    const y = evaluate(layer.apply(parameters, constant([5, 3], [1, 2]))).data;
    expect(y[0]).toBeCloseTo((2 * (5 - 1)) / Math.sqrt(4 + 1e-5), 12);
    expect(y[1]).toBeCloseTo(3 / Math.sqrt(1 + 1e-5) + 5, 12);
    const inputs = {
      input: sample([3, 2, 2, 2]),
      ...Object.fromEntries(
        layer.parameters.map((p, i) => [p.name, sample(p.shape, { seed: i + 2, scale: 0.2, shift: 1 })]),
      ),
    };
    const apply = (i: Record<string, Tensor>) => layer.apply(i, i["input"]!);
    checkGradients("nn.batchNorm", apply, inputs);
    await checkExecutor("nn.batchNorm", apply, inputs, { shapes: { input: ["N", 2, 2, 2] } });
  });

  it("uses the batch in training, and moves the statistics by a tenth, with n - 1", () => {
    const { y, reported } = train([0, 1, 4, 1, 99, 99], [0.5, 0.5, 0]);
    expect(y.slice(0, 4).map((v) => Number(v.toFixed(4)))).toEqual([-2, 5, 2, 5]);
    const [[first, mean], [second, variance]] = reported as [[string, number[]], [string, number[]]];
    expect([first, second]).toEqual(["norm.mean", "norm.variance"]);
    expect(mean[0]).toBeCloseTo(0.9 * 1 + 0.1 * 2, 12);
    expect(mean[1]).toBeCloseTo(0.1, 12);
    // the variance of 0 and 4 is 4 over n and 8 over n - 1
    expect(variance[0]).toBeCloseTo(0.9 * 4 + 0.1 * 8, 12);
    expect(variance[1]).toBeCloseTo(0.9, 12);
  });

  it("survives a batch of one row", () => {
    const { y, reported } = train([3, 3], [1]);
    expect(y).toEqual([0, 5]);
    expect(reported[1]).toEqual(["norm.variance", [3.6, 0.9]]);
  });

  it("keeps statistics that are fixed, and normalizes by them", () => {
    const { y, reported } = train([5, 3], [1], new Set(["norm.mean", "norm.variance"]));
    expect(y).toEqual([...evaluate(layer.apply(parameters, constant([5, 3], [1, 2]))).data]);
    expect(reported).toEqual([]);
  });
});
