import { constant, evaluate } from "@anabranch/engine";
import { expect, it } from "vitest";
import { models } from "../models/index.ts";
import { outputsOnNoise } from "./random-inputs.ts";

const values = (shape: readonly number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return constant(
    Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
    shape,
  );
};

it("runs a model on the same standard normal inputs for everyone, pixels included", () => {
  for (const inputType of ["uint8", "float"] as const) {
    const model = models.logistic({ input: [30], inputType, classes: 2 });
    const parameters = Object.fromEntries(model.parameters.map(({ name, shape }) => [name, values(shape)]));
    const outputs = (seed: number) => [...evaluate(outputsOnNoise(model, parameters, 200, seed)).data];
    expect(outputs(1)).toEqual(outputs(1));
    expect(outputs(1)).not.toEqual(outputs(2));
    // a bias of sin 1 and a weight of squared norm sum: 400 outputs, each off by a known deviation
    const weights = [0, 1].map((c) => Array.from({ length: 30 }, (_, i) => Math.sin(2 * i + c + 1)));
    for (const [c, weight] of weights.entries()) {
      const own = outputs(1).filter((_, k) => k % 2 === c);
      const mean = own.reduce((a, b) => a + b, 0) / 200;
      const deviation = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / 200);
      const norm = Math.hypot(...weight);
      expect(Math.abs(mean - Math.sin(c + 1))).toBeLessThan((4 * norm) / Math.sqrt(200));
      expect(deviation / norm).toBeGreaterThan(0.8);
      expect(deviation / norm).toBeLessThan(1.2);
    }
  }
});

it("refuses models of tokens", () => {
  const model = models["char-transformer"]({ input: [3], classes: 4, width: 4, depth: 1, heads: 2 });
  expect(() => outputsOnNoise(model, {}, 2, 0)).toThrow(expect.objectContaining({ code: "model/random-inputs" }));
});
