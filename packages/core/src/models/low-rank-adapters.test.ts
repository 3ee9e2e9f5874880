import { constant, evaluate, nn, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { entryView, layout } from "../params/layout.ts";
import { cnn28x28 } from "./cnn-28x28.ts";
import { frozenBase, withAdapters } from "./low-rank-adapters.ts";
import { mergeAdapters } from "./merge-adapters.ts";
import { mlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { resnet8 } from "./resnet.ts";
import { vit } from "./vit.ts";

const models: Record<string, Model> = {
  mlp: mlp({ input: [6], inputType: "float", hidden: [5], classes: 3 }),
  vit: vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, depth: 1, heads: 2, classes: 3 }),
  "cnn-28x28": cnn28x28({ inputType: "float", classes: 3 }),
  resnet8: resnet8({ input: [3, 8, 8], inputType: "float", classes: 3 }),
};

const wave = (length: number, seed: number) =>
  Float64Array.from({ length }, (_, i) => Math.sin(3.7 * (i + 1) + 1.3 * seed) / 3);

/** Outputs of a model with these values. */
function outputs(model: Model, values: Float64Array): Float64Array {
  const { entries } = layout(model.parameters);
  const parameters: Record<string, Tensor> = Object.fromEntries(
    entries.map((entry) => [entry.name, constant(Array.from(entryView(values, entry)), entry.shape)]),
  );
  const shape = [2, ...model.features.shape];
  const size = shape.reduce((a, b) => a * b, 1);
  return evaluate(model.forward(parameters, constant(Array.from(wave(size, 9)), shape))).data as Float64Array;
}

const farthest = (x: Float64Array, y: Float64Array) => Math.max(...x.map((value, i) => Math.abs(value - y[i]!)));

const kinds = Object.entries(models).flatMap(([name, base]) =>
  [false, true].map((core) => [core ? `${name}, with cores` : name, base, core] as const),
);

describe.each(kinds)("low-rank adapters of %s", (_, base, core) => {
  const model = withAdapters(base, { rank: 2, alpha: 3, core });
  const inner = core ? ".lora.core" : ".lora.b";
  const whole = layout(model.parameters);
  const values = wave(whole.size, 1);
  const merged = mergeAdapters(model.adapters!, whole, values);

  it("compute what the merged model computes, which has the names of the base", () => {
    expect(merged.layout.hash).toBe(layout(base.parameters).hash);
    expect(farthest(outputs(model, values), outputs(base, merged.values as Float64Array))).toBeLessThan(1e-9);
  });

  it("start as the base, which they change only with B", () => {
    const first = values.slice();
    for (const entry of whole.entries) if (entry.name.endsWith(inner)) entryView(first, entry).fill(0);
    const { values: same } = mergeAdapters(model.adapters!, whole, first);
    expect(farthest(outputs(model, first), outputs(base, same as Float64Array))).toBeLessThan(1e-12);
    expect(farthest(outputs(model, first), outputs(model, values))).toBeGreaterThan(1e-3);
    const starts = model.parameters.filter(({ name }) => name.endsWith(inner));
    expect(starts.every(({ initialize }) => initialize.kind === "zeros")).toBe(true);
  });
});

describe("targets", () => {
  const base = vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, depth: 2, heads: 2, classes: 3 });
  const weights = (targets: string | string[]) =>
    withAdapters(base, { rank: 1, targets }).adapters!.pairs.map(({ weight }) => weight);

  it("are layers, patterns or parameters, and all matrices without a choice", () => {
    expect(weights(["*.query", "*.value"])).toEqual([
      "block1.attention.query.weight",
      "block1.attention.value.weight",
      "block2.attention.query.weight",
      "block2.attention.value.weight",
    ]);
    expect(weights("head")).toEqual(["head.weight"]);
    expect(weights(["block1.*", "!*.attention.*"])).toEqual(["block1.dense1.weight", "block1.dense2.weight"]);
    const all = weights([]);
    expect(all.length).toBe(2 + 2 * 6);
    expect(all.some((name) => name.includes("norm") || name.includes("positions"))).toBe(false);
  });

  it("have ranks up to the smaller side", () => {
    const model = withAdapters(base, { rank: 4, targets: ["head", "block1.dense1"] });
    const shapes = model.parameters.filter(({ name }) => name.includes("head.weight.lora")).map(({ shape }) => shape);
    expect(shapes).toEqual([
      [4, 3],
      [3, 3],
    ]);
    expect(model.adapters?.scale).toBe(2);
    const dense1 = base.parameters.find(({ name }) => name === "block1.dense1.weight")!.shape as [number, number];
    expect(nn.countParameters(model.parameters) - nn.countParameters(base.parameters)).toBe(
      21 + 4 * (dense1[0] + dense1[1]),
    );
    expect(frozenBase(model)).toEqual(base.parameters.map(({ name }) => name));
    expect(frozenBase(base)).toEqual([]);
  });

  it("are refused with a rank that none of them can have", () => {
    expect(() => withAdapters(base, { rank: 4, targets: "head" })).toThrow(
      expect.objectContaining({
        code: "adapters/rank",
        message: expect.stringMatching(/1 to 3.*Lower adapters\.rank/),
      }),
    );
    expect(withAdapters(base, { rank: 3, targets: "head" }).adapters!.pairs).toHaveLength(1);
  });

  it.each([
    ["parameters/unknown", "query"],
    ["adapters/target", "head.bias"],
    ["adapters/target", ["norm"]],
    ["adapters/target", ["head", "!head"]],
  ])("are refused with %s: %s", (code, targets) => {
    expect(() => weights(targets)).toThrow(expect.objectContaining({ code }));
  });
});
