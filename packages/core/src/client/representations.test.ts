import { constant, evaluate, matmul } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { headOf } from "../algorithms/head.ts";
import { createModel } from "../models/index.ts";
import type { Model } from "../models/model.ts";
import { initialParameters } from "../params/initialize.ts";
import { entryView, layout } from "../params/layout.ts";
import { rootKey } from "../random/index.ts";
import { inputsOfHead, representationsOf } from "./representations.ts";

const images = (shape: readonly number[]) => ({
  features: { dtype: "uint8" as const, shape: [9, ...shape] },
  labels: { dtype: "uint8" as const, shape: [9] },
  classes: 10,
});

function drawn(model: Model) {
  const whole = layout(model.parameters);
  const values = initialParameters(model.parameters, rootKey(1));
  return Object.fromEntries(
    whole.entries.map((entry) => [entry.name, constant(Array.from(entryView(values, entry)), entry.shape)]),
  );
}

describe("representations", () => {
  it.each([
    ["mlp", [1, 28, 28], {}],
    ["logistic", [1, 28, 28], {}],
    ["lenet5", [3, 32, 32], {}],
    ["vit", [1, 28, 28], { width: 8, depth: 1, patch: 14, heads: 2 }],
  ])("of %s give its logits under its head", (name, shape, options) => {
    const model = createModel(name, images(shape), options);
    const parameters = drawn(model);
    const size = shape.reduce((a, b) => a * b, 1);
    const features = constant(
      Array.from({ length: 2 * size }, (_, k) => (k * k) % 256),
      [2, ...shape],
      "uint8",
    );
    const labels = constant([3, 7], [2], "uint8");
    const found = representationsOf(model, parameters, { features, labels });
    const { weight, bias } = headOf(layout(model.parameters), name);
    expect(found.features.shape).toEqual([2, inputsOfHead(model)]);
    const logits = evaluate(matmul(found.features, parameters[weight!.name]!)).data;
    const offsets = evaluate(parameters[bias!.name]!).data;
    const expected = evaluate(model.forward(parameters, features)).data;
    for (const [k, value] of expected.entries()) expect(logits[k]! + offsets[k % 10]!).toBeCloseTo(value, 9);
    expect(Array.from(evaluate(found.labels).data)).toEqual([3, 7]);
  });

  it("are refused of a model of sequences", () => {
    const text = {
      features: { dtype: "uint8" as const, shape: [9, 8] },
      labels: { dtype: "uint8" as const, shape: [9, 8] },
    };
    const model = createModel("char-transformer", { ...text, classes: 5 }, { width: 8, heads: 2, depth: 1 });
    expect(() => inputsOfHead(model)).toThrow(expect.objectContaining({ code: "model/representations" }));
  });
});
