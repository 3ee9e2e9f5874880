import { constant, evaluate, nn } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import type { Model } from "./model.ts";
import { createModel } from "./registry.ts";
import { promptedVilt, vilt } from "./vilt.ts";

type Rows = readonly (readonly number[])[];
type Values = Record<string, number[]>;

const wave = (size: number, seed: number) => Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i));

function valuesOf(model: Model): Values {
  return Object.fromEntries(layout(model.parameters).entries.map(({ name, size }, i) => [name, wave(size, i + 1)]));
}

/** Logits of one example [pixels + words]. */
function logits(model: Model, values: Values, example: readonly number[]): number[] {
  const { entries } = layout(model.parameters);
  const tensors = Object.fromEntries(entries.map(({ name, shape }) => [name, constant(values[name]!, shape)]));
  return Array.from(evaluate(model.forward(tensors, constant(example, [1, example.length], "uint8"))).data);
}

const rowsOf = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, n) => values.slice(n * width, (n + 1) * width));

/** x W + b, a row at a time. */
const affine = (x: Rows, weight: readonly number[], bias: readonly number[]) =>
  x.map((row) => bias.map((b, j) => row.reduce((sum, value, i) => sum + value * weight[i * bias.length + j]!, b)));

function normalized(x: Rows, gamma: readonly number[], beta: readonly number[]): number[][] {
  return x.map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * gamma[i]! + beta[i]!);
  });
}

const added = (a: Rows, b: Rows) => a.map((row, n) => row.map((value, i) => value + b[n]![i]!));

/** A gelu that is exact to 1e-7: by Simpson's rule on the density. */
function gelu(x: number): number {
  const [steps, low] = [2000, -12];
  const h = (x - low) / steps;
  let area = 0;
  for (let i = 0; i <= steps; i++) {
    const t = low + i * h;
    area += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp((-t * t) / 2);
  }
  return (x * area * h) / (3 * Math.sqrt(2 * Math.PI));
}

/** One head, one block, 2 x 2 patches of one pixel and two words. */
function byHand(values: Values, pixels: readonly number[], words: readonly number[]): number[] {
  const of = (name: string) => values[name]!;
  const width = 4;
  const table = rowsOf(of("words.weight"), width);
  const seen = affine(
    pixels.map((pixel) => [(pixel / 255 - 0.5) / 0.5]),
    of("patches.weight"),
    of("patches.bias"),
  );
  const tokens = [of("class.weight"), ...seen, ...words.map((word) => table[word]!)];
  let x = added(tokens, rowsOf(of("positions.weight"), width));
  const dense = (rows: Rows, name: string) => affine(rows, of(`${name}.weight`), of(`${name}.bias`));
  const norm = (rows: Rows, name: string) => normalized(rows, of(`${name}.gamma`), of(`${name}.beta`));
  const before = norm(x, "block1.norm1");
  const [q, k, v] = ["query", "key", "value"].map((map) => dense(before, `block1.attention.${map}`));
  const mixed = q!.map((row) => {
    const scores = k!.map((key) => row.reduce((sum, value, i) => sum + value * key[i]!, 0) / Math.sqrt(width));
    const exps = scores.map(Math.exp);
    const total = exps.reduce((a, b) => a + b);
    return row.map((_, i) => v!.reduce((sum, value, n) => sum + (exps[n]! / total) * value[i]!, 0));
  });
  x = added(x, dense(mixed, "block1.attention.output"));
  const hidden = dense(norm(x, "block1.norm2"), "block1.dense1").map((row) => row.map(gelu));
  x = added(x, dense(hidden, "block1.dense2"));
  return dense(norm(x, "norm").slice(0, 1), "head")[0]!;
}

const tiny = { image: [1, 2, 2], words: 2, vocabulary: 5, patch: 1, width: 4, depth: 1, heads: 1, classes: 3 };
const model = vilt({ ...tiny, input: [6] });

describe("the transformer over an image and a text", () => {
  it("computes what plain loops do: patches, words, positions, a block, and the class token's output", () => {
    const values = valuesOf(model);
    for (const [pixels, words] of [
      [
        [0, 90, 255, 17],
        [4, 0],
      ],
      [
        [200, 3, 77, 128],
        [1, 3],
      ],
    ] as const) {
      const expected = byHand(values, pixels, words);
      for (const [i, value] of logits(model, values, [...pixels, ...words]).entries())
        expect(value).toBeCloseTo(expected[i]!, 5);
    }
  });

  it("reads the text: another word is another answer, and the order counts", () => {
    const values = valuesOf(model);
    const of = (...words: number[]) => logits(model, values, [9, 99, 199, 29, ...words]);
    expect(of(1, 2)).not.toEqual(of(1, 3));
    expect(of(1, 2)).not.toEqual(of(2, 1));
  });

  it("has the options of the generated questions by default, in 0.12 million parameters", () => {
    const data = { features: { dtype: "uint8", shape: [1, 790] }, labels: { dtype: "uint8", shape: [1] } } as const;
    const made = createModel("vilt", { ...data, classes: 17 });
    expect(nn.countParameters(made.parameters)).toBeLessThan(300_000);
    expect([made.words, made.classes, made.features.shape]).toEqual([6, 17, [790]]);
  });

  it("takes prompts that change the answer through attention alone", () => {
    const prompted = promptedVilt({ ...tiny, input: [6] }, 2);
    const values = { ...valuesOf(model), "prompts.weight": wave(8, 3) };
    const example = [9, 99, 199, 29, 1, 2];
    expect(prompted.parameters.map(({ name }) => name).filter((name) => name.startsWith("prompts"))).toHaveLength(1);
    expect(logits(prompted, values, example)).not.toEqual(logits(model, values, example));
    // values of prompts that are 0 after the norm have only a share of the attention, which a value map of 0 hides
    const blind = Object.fromEntries(
      Object.entries(values).map(([name, list]) => [name, name.includes("attention.value") ? list.map(() => 0) : list]),
    );
    const [whole, found] = [logits(model, blind, example), logits(prompted, blind, example)];
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(whole[i]!, 6);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["an image without words", { input: [4] }, /image and the words/],
    ["an image of its own shape", { input: [1, 2, 3] }, /image and the words/],
    ["patches that do not fit", { input: [6], patch: 3 }, /divide into patches/],
    ["an image without height", { input: [6], image: [4] }, /takes images/],
  ])("refuses %s", (_what, options, message) => {
    expect(() => vilt({ ...tiny, ...options })).toThrow(message);
  });
});
