import { constant, evaluate, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { cnn28x28, logistic, type Model, mlp, withAdapters } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { hiddenLayers, withUnitMasks } from "./masked-units.ts";

const wave = (seed: number, size: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i + seed));
const numbers = (tensor: Tensor) => Array.from(evaluate(tensor).data);
const sizes = { input: [4], inputType: "float" as const, classes: 2 };
const kept = { dense1: [0, 2, 4], dense2: [1, 3] } as const;

function valuesOf({ parameters }: Model): Record<string, number[]> {
  return Object.fromEntries(layout(parameters).entries.map(({ name, size }, i) => [name, wave(i + 1, size)]));
}

function tensorsOf({ parameters }: Model, values: Readonly<Record<string, readonly number[]>>): Record<string, Tensor> {
  return Object.fromEntries(parameters.map(({ name, shape }) => [name, constant([...values[name]!], [...shape])]));
}

/** Rows and columns of a matrix [rows, columns]. */
const part = (values: readonly number[], columns: number, rows: readonly number[], chosen: readonly number[]) =>
  rows.flatMap((i) => chosen.map((j) => values[i * columns + j]!));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("a model with unit masks", () => {
  it.each(["relu", "sigmoid"] as const)("computes what the smaller model does, with adapters and %s", (activation) => {
    const rank = 2;
    const whole = withAdapters(mlp({ ...sizes, hidden: [5, 4], activation }), { rank });
    const small = withAdapters(mlp({ ...sizes, hidden: [3, 2], activation }), { rank });
    const values = valuesOf(whole);
    const masked = withUnitMasks(whole, hiddenLayers(whole.base!));
    const mask = (size: number, units: readonly number[]) =>
      constant(
        range(size).map((i) => (units.includes(i) ? 1 : 0)),
        [size],
      );
    const x = constant([wave(9, 4), wave(20, 4)].flat(), [2, 4]);
    const outputs = masked.forward(
      {
        ...tensorsOf(whole, values),
        "kept.dense1.weight": mask(5, kept.dense1),
        "kept.dense2.weight": mask(4, kept.dense2),
      },
      x,
    );
    const [all, ranks] = [range(4), range(rank)];
    const of = (layer: string, ins: readonly number[], outs: readonly number[], width: number) => ({
      [`${layer}.weight`]: part(values[`${layer}.weight`]!, width, ins, outs),
      [`${layer}.bias`]: outs.map((j) => values[`${layer}.bias`]![j]!),
      [`${layer}.weight.lora.a`]: part(values[`${layer}.weight.lora.a`]!, rank, ins, ranks),
      [`${layer}.weight.lora.b`]: part(values[`${layer}.weight.lora.b`]!, width, ranks, outs),
    });
    const smaller = {
      ...of("dense1", all, kept.dense1, 5),
      ...of("dense2", kept.dense1, kept.dense2, 4),
      ...of("dense3", kept.dense2, range(2), 2),
    };
    const expected = numbers(small.forward(tensorsOf(small, smaller), x));
    expect(numbers(outputs)).toEqual(expected.map((value) => expect.closeTo(value, 12)));
    // and the whole model computes something else, which the masked one does without masks
    const plain = numbers(whole.forward(tensorsOf(whole, values), x));
    expect(plain).not.toEqual(numbers(outputs));
    expect(numbers(masked.forward(tensorsOf(whole, values), x))).toEqual(plain);
  });

  it("has the layers of a dense chain", () => {
    expect(hiddenLayers(mlp({ ...sizes, hidden: [5, 4] }))).toEqual([
      { units: 5, makes: "dense1.weight", reads: "dense2.weight" },
      { units: 4, makes: "dense2.weight", reads: "dense3.weight" },
    ]);
    for (const model of [cnn28x28(), logistic(sizes)])
      expect(() => hiddenLayers(model)).toThrow(expect.objectContaining({ code: "submodels/chain" }));
  });
});
