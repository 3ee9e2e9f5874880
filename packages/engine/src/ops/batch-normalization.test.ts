import { expect, it } from "vitest";
import { evaluate } from "../executor/evaluate.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant, input } from "../graph/sources.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { batchNorm, normalizeBy } from "./batch-normalization.ts";
import { sum } from "./broadcast.ts";
import { add, mul } from "./elementwise.ts";

const inputsOf = (shape: readonly number[]) => ({
  x: sample(shape, { scale: 2, shift: 0.5 }),
  gamma: sample([shape[1]!], { shift: 1 }),
  beta: sample([shape[1]!], { seed: 2 }),
});
/** Rows that all count the same, but for the last one, which is padding. */
const weightsOf = (rows: number) => Array.from({ length: rows }, (_, i) => (i < rows - 1 ? 1 / (rows - 1) : 0));

it.each([[[4, 3]], [[4, 2, 3, 2]]])("batchNorm of %j: derivatives and executor", async (shape) => {
  const inputs = { ...inputsOf(shape), weights: host("float", [shape[0]!], weightsOf(shape[0]!)) };
  const all = (i: Record<string, Tensor>) => {
    const { y, mean, variance } = batchNorm(i["x"]!, i["weights"]!, i["gamma"]!, i["beta"]!);
    return add(y, add(sum(mul(mean, 0.3)), sum(variance)));
  };
  checkGradients("batchNorm", all, inputs);
  const shapes = { x: ["N", ...shape.slice(1)], weights: ["N"] };
  await checkExecutor("batchNorm", all, inputs, { shapes });
});

it.each([[[4, 3]], [[2, 2, 3, 2]]])("normalizeBy of %j: derivatives and executor", async (shape) => {
  const [mean, variance] = [sample([shape[1]!], { seed: 5 }), sample([shape[1]!], { seed: 6, scale: 0.2, shift: 1 })];
  const inputs = { ...inputsOf(shape), mean, variance };
  const all = (i: Record<string, Tensor>) =>
    normalizeBy(i["x"]!, { mean: i["mean"]!, variance: i["variance"]! }, i["gamma"]!, i["beta"]!);
  checkGradients("normalizeBy", all, inputs);
  await checkExecutor("normalizeBy", all, inputs, { shapes: { x: ["N", ...shape.slice(1)] } });
});

it("agrees with plain loops, without the rows of padding", () => {
  const [rows, channels, positions] = [5, 2, 3];
  const { x, gamma, beta } = inputsOf([rows, channels, positions]);
  const [g, b] = [constant(gamma.data, [channels]), constant(beta.data, [channels])];
  const found = batchNorm(constant(x.data, x.shape), constant(weightsOf(rows), [rows]), g, b);
  const [y, mean, variance] = [found.y, found.mean, found.variance].map((t) => evaluate(t).data);
  for (let c = 0; c < channels; c++) {
    const at = (r: number, p: number) => x.data[(r * channels + c) * positions + p]!;
    let [total, squares] = [0, 0];
    const n = (rows - 1) * positions;
    for (let r = 0; r < rows - 1; r++) for (let p = 0; p < positions; p++) total += at(r, p);
    for (let r = 0; r < rows - 1; r++) for (let p = 0; p < positions; p++) squares += (at(r, p) - total / n) ** 2;
    expect(mean![c]).toBeCloseTo(total / n, 12);
    expect(variance![c]).toBeCloseTo(squares / n, 12);
    for (let r = 0; r < rows; r++) {
      const expected = (gamma.data[c]! * (at(r, 1) - total / n)) / Math.sqrt(squares / n + 1e-5) + beta.data[c]!;
      expect(y![(r * channels + c) * positions + 1]).toBeCloseTo(expected, 10);
    }
  }
});

it("gives beta for channels of one value", () => {
  const one = constant([1], [1]);
  const { y, variance } = batchNorm(constant([3, 3], [2, 1]), constant([0.5, 0.5], [2]), one, constant([7], [1]));
  expect([...evaluate(y).data, ...evaluate(variance).data]).toEqual([7, 7, 0]);
});

it("refuses what has no channels", () => {
  const x = input("x", { dtype: "float", shape: ["N"] });
  expect(() => batchNorm(x, x, x, x)).toThrow(/no axis of channels/);
});
