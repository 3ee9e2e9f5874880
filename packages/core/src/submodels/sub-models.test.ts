import { constant, evaluate } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { cnn28x28, cnnCifar, logistic, type Model, mlp, resnet8 } from "../models/index.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import { subModels, unitAxes } from "./index.ts";

const wave = (n: number, shift = 0) => Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + shift));

/** Outputs of a model on a few examples. */
function outputs(model: Model, parameters: Layout, values: Float64Array, examples: Float64Array): number[] {
  const tensors = parameters.entries.map((entry) => [entry.name, constant(entryView(values, entry), entry.shape)]);
  const n = examples.length / model.features.shape.reduce((size, extent) => size * extent, 1);
  const traced = model.forward(Object.fromEntries(tensors), constant(examples, [n, ...model.features.shape]));
  return Array.from(evaluate(traced).data);
}

const float = { inputType: "float" } as const;

describe("a narrow model", () => {
  it.each<[string, Model, number]>([
    ["mlp", mlp({ ...float, input: [5], hidden: [7, 4], classes: 3 }), 1],
    ["sigmoid mlp", mlp({ ...float, input: [5], hidden: [6], classes: 3, activation: "sigmoid" }), 4],
    ["cnn-28x28", cnn28x28({ ...float, input: [8, 8], hidden: 6, classes: 2 }), 3],
  ])("of a %s is the whole one without the other units", (_name, model, round) => {
    const whole = layout(model.parameters);
    const { parts, places } = subModels(model, whole, { ratios: [1, 0.4], rolls: true });
    const narrow = parts[1]!;
    const at = places(1, round);
    expect(at.length).toBe(narrow.layout.size);
    expect(new Set(at).size).toBe(at.length);
    const values = wave(whole.size);
    const held = Float64Array.from(at, (place) => values[place]!);
    // a unit whose outgoing weights are 0 is not there
    const rest = new Float64Array(whole.size);
    for (const place of at) rest[place] = values[place]!;
    const examples = wave(2 * model.features.shape.reduce((size, extent) => size * extent, 1), 0.5);
    const ours = outputs(narrow.model, narrow.layout, held, examples);
    for (const [k, value] of outputs(model, whole, rest, examples).entries()) expect(ours[k]).toBeCloseTo(value, 10);
    const all = outputs(model, whole, values, examples);
    expect(Math.abs(all[0]! - ours[0]!)).toBeGreaterThan(1e-3);
  });

  it("has about the square of its width of a wide network", () => {
    const model = mlp({ input: [8], hidden: [64, 64], classes: 2 });
    const { parts } = subModels(model, layout(model.parameters), { ratios: [0.5], rolls: false });
    const of = (h: number) => 8 * h + h + h * h + h + h * 2 + 2;
    expect(parts[0]!.layout.size).toBe(of(32));
  });

  it("moves on by one unit a round with FedRolex and stays with HeteroFL", () => {
    const model = mlp({ input: [2], hidden: [3], classes: 2 }); // dense1.bias is at 0 to 2
    const of = (rolls: boolean) => subModels(model, layout(model.parameters), { ratios: [0.5], rolls });
    const biases = (rolls: boolean) =>
      [1, 2, 3, 4].map((round) => Array.from(of(rolls).places(0, round).subarray(0, 2)));
    expect(biases(true)).toEqual([[0, 1], [1, 2], [2, 0], [0, 1]]); // biome-ignore format: rounds
    expect(biases(false)).toEqual([[0, 1], [0, 1], [0, 1], [0, 1]]); // biome-ignore format: rounds
  });

  it("is one program a tier, whichever the round", () => {
    const model = mlp({ input: [2], hidden: [4], classes: 2 });
    const { parts, partOf } = subModels(model, layout(model.parameters), { ratios: [1, 0.5, 0.5], rolls: true });
    expect(parts[1]).toBe(parts[2]);
    expect([0, 1, 2, 3, 4].map((client) => partOf(client, 7))).toEqual([0, 1, 2, 0, 1]);
  });
});

describe("models whose units are not known", () => {
  it.each<[string, Model, RegExp]>([
    ["without hidden units", logistic({ input: [4], classes: 2 }), /no hidden units/],
    ["with normalisation", resnet8({ input: [3, 8, 8], classes: 2 }), /mixes or looks up units/],
    ["with dropout", cnnCifar({ input: [3, 32, 32] }), /dropout/],
  ])("are refused: %s", (_name, model, received) => {
    expect(() => unitAxes(model, layout(model.parameters))).toThrow(received);
  });
});
