import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createModel } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { balancedRuns, modelBlocks } from "./blocks.ts";

const images = (shape: number[], classes: number) => ({
  features: { dtype: "uint8" as const, shape: [1, ...shape] },
  labels: { dtype: "uint8" as const, shape: [1] },
  classes,
});
const layoutOf = (name: string, shape = [3, 32, 32], classes = 100) =>
  layout(createModel(name, images(shape, classes)).parameters);
/** Layers of each block without the head, in the order of the model. */
const layersOf = (name: string, blocks: number | undefined) =>
  modelBlocks(layoutOf(name), blocks, "fedbcgd").map(({ blocks }) => blocks.slice(0, -1));

describe("balancedRuns", () => {
  it("cuts by sums, not by counts", () => {
    expect(balancedRuns([1, 1, 1, 1, 4], 2)).toEqual([
      [0, 4],
      [4, 5],
    ]);
    expect(balancedRuns([4, 1, 1, 1, 1], 2)).toEqual([
      [0, 1],
      [1, 5],
    ]);
    // the goals are 10 / 3, then (10 - 9) / 2: one large item takes a run of its own
    expect(balancedRuns([9, 0.5, 0.5], 3)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  it("leaves no run empty and no item out, and no run exceeds the mean by more than its largest item", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.nat(), (items, n) => {
        const count = 1 + (n % items.length);
        const runs = balancedRuns(items, count);
        expect(runs.length).toBe(count);
        expect(runs.flatMap(([from, to]) => items.slice(from, to))).toEqual(items);
        expect(runs.every(([from, to]) => to > from)).toBe(true);
        const first = items.slice(...runs[0]!);
        const sum = first.reduce((a, b) => a + b, 0);
        const mean = items.reduce((a, b) => a + b, 0) / count;
        expect(sum).toBeLessThanOrEqual(mean + Math.max(...first));
      }),
      { seed: 1 },
    );
  });
});

describe("modelBlocks", () => {
  it("gives each layer of a small network a block and the head to all", () => {
    expect(layersOf("lenet5", undefined)).toEqual([["conv1"], ["conv2"], ["fc1"], ["fc2"]]);
    // by hand: 64 (3 25 + 1) = 4,864; 64 (64 25 + 1) = 102,464; 1600 384 + 384 = 614,784; 384 192 + 192 = 73,920;
    // head 192 100 + 100 = 19,300
    const sizes = modelBlocks(layoutOf("lenet5"), 4, "fedbcgd").map(({ size }) => size - 19_300);
    expect(sizes).toEqual([4_864, 102_464, 614_784, 73_920]);
  });

  it("keeps the order of the layers, which is not that of their names", () => {
    const runs = layersOf("resnet18", 5);
    expect(runs[0]![0]).toBe("stem.conv");
    const order = layoutOf("resnet18").blocks;
    expect([...runs.flat(), "linear"]).toEqual(order);
    expect([...order].sort()).not.toEqual(order);
    const sizes = modelBlocks(layoutOf("resnet18"), 5, "fedbcgd").map(({ size }) => size - 51_300);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(layoutOf("resnet18").size - 51_300);
    // the largest layer alone is 512 512 9 = 2,359,296 of a mean of 2,233,766
    expect(Math.max(...sizes)).toBeLessThan(0.3 * layoutOf("resnet18").size);
  });

  it("puts everything into one block for N = 1", () => {
    expect(modelBlocks(layoutOf("lenet5"), 1, "fedbcgd")).toEqual([layoutOf("lenet5")]);
  });

  it("refuses more blocks than layers, and models with nothing to cut", () => {
    const refused = (name: string, blocks?: number) => () => modelBlocks(layoutOf(name), blocks, "fedbcgd");
    expect(refused("lenet5", 5)).toThrow(expect.objectContaining({ code: "algorithm/blocks" }));
    expect(refused("lenet5", 5)).toThrow(/at most 4: the layers besides the head are conv1, conv2, fc1, fc2/);
    for (const blocks of [undefined, 1]) expect(refused("logistic", blocks)).toThrow(/no layer besides the head/);
    const one = layout(createModel("mlp", images([3, 32, 32], 10), { hidden: [8] }).parameters);
    expect(() => modelBlocks(one, undefined, "fedbcgd")).toThrow(/one layer besides the head: dense1.*blocks = 1/s);
    expect(modelBlocks(one, 1, "fedbcgd")).toEqual([one]);
  });
});
