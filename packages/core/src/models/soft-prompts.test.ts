import { constant, evaluate, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { charTransformer, promptedTransformer } from "./char-transformer.ts";
import type { Model } from "./model.ts";
import { createModel } from "./registry.ts";
import { promptedVit, vit } from "./vit.ts";

const wave = (size: number, seed: number) => Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i));

/** Values of all parameters. The same name has the same values in all models, up to a length. */
function valuesOf(model: Model): Record<string, number[]> {
  return Object.fromEntries(
    layout(model.parameters).entries.map(({ name, size }) => [name, wave(size, [...name].length)]),
  );
}

function outputs(model: Model, values: Record<string, number[]>, features: Tensor): number[][] {
  const { entries } = layout(model.parameters);
  const tensors = Object.fromEntries(entries.map(({ name, shape }) => [name, constant(values[name]!, shape)]));
  const { data, shape } = evaluate(model.forward(tensors, features));
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, n) => Array.from(data.slice(n * width, (n + 1) * width)));
}

const rows = (values: readonly number[], width: number) =>
  Array.from({ length: values.length / width }, (_, n) => values.slice(n * width, (n + 1) * width));

/** Sums of rows [n, width]. */
const added = (a: readonly number[][], b: readonly number[][]) => a.map((row, n) => row.map((x, i) => x + b[n]![i]!));

describe("learned tokens in front of a transformer", () => {
  it("act as tokens of a longer text do, and predict nothing", () => {
    const settings = { width: 4, heads: 2, depth: 2, classes: 5 } as const;
    const longer = charTransformer({ ...settings, input: [5], inputType: "uint8" });
    const prompted = promptedTransformer({ ...settings, input: [3], inputType: "uint8" }, 2);
    const values = valuesOf(longer);
    const [tokens, positions] = [rows(values["tokens.weight"]!, 4), rows(values["positions.weight"]!, 4)];
    const text = [3, 1, 4, 0, 2];
    const embedded = added(
      text.slice(0, 2).map((token) => tokens[token]!),
      positions,
    );
    const moved = {
      ...values,
      "positions.weight": positions.slice(2).flat(),
      "prompts.weight": embedded.flat(),
    };
    const whole = outputs(longer, values, constant(text, [1, 5], "int32"));
    const found = outputs(prompted, moved, constant(text.slice(2), [1, 3], "int32"));
    expect(found).toHaveLength(3);
    for (const [n, row] of found.entries())
      for (const [i, value] of row.entries()) expect(value).toBeCloseTo(whole[n + 2]![i]!, 5);
  });

  it("act as patches of a larger image do, and have no part in the mean of a vision transformer", () => {
    // a token at a time is read off: an image whose patches are all alike has the mean of any of them
    const settings = { patch: 1, width: 4, heads: 1, depth: 1, classes: 3, inputType: "float" } as const;
    const larger = vit({ ...settings, input: [1, 1, 4] });
    const prompted = promptedVit({ ...settings, input: [1, 1, 2] }, 2);
    const values: Record<string, number[]> = {
      ...valuesOf(larger),
      "positions.weight": Array.from({ length: 16 }, (_, i) => wave(4, 3)[i % 4]!),
    };
    const pixel = 0.7;
    const embedded = values["patches.weight"]!.map(
      (w, i) => pixel * w + values["patches.bias"]![i]! + values["positions.weight"]![i]!,
    );
    const moved = {
      ...values,
      "positions.weight": values["positions.weight"]!.slice(0, 8),
      "prompts.weight": [...embedded, ...embedded],
    };
    const image = (n: number) => constant(Array<number>(n).fill(pixel), [1, 1, 1, n]);
    const [[whole], [found]] = [outputs(larger, values, image(4)), outputs(prompted, moved, image(2))];
    for (const [i, value] of found!.entries()) expect(value).toBeCloseTo(whole![i]!, 5);
    const others = outputs(prompted, { ...moved, "prompts.weight": wave(8, 9) }, image(2));
    expect(others[0]).not.toEqual(found);
  });

  it("are added by the name of a model, which is frozen, and refused without tokens", () => {
    const data = { features: { dtype: "float", shape: [1, 1, 4, 4] }, labels: { dtype: "uint8", shape: [1] } } as const;
    const made = createModel("vit", { ...data, classes: 2 }, { width: 4, heads: 1, depth: 1, prompts: 3 });
    const names = (model: Model) => model.parameters.map(({ name }) => name);
    expect(names(made).filter((name) => !names(made.base!).includes(name))).toEqual(["prompts.weight"]);
    expect(() => createModel("mlp", { ...data, classes: 2 }, { prompts: 3 })).toThrow(
      expect.objectContaining({ code: "adapters/prompts" }),
    );
  });
});
