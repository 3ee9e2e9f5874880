import { compileProgram, type HostTensor, interpreter, trace } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { cnn28x28, vit } from "../models/index.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import { blockLayout, blockMeans, expandBlocks } from "./block-means.ts";

/** Blocks of the matrices inside transformer blocks. */
const matrixBlocks = (blocks: Layout) =>
  blocks.entries
    .filter(({ block, name }) => block.startsWith("block") && name.endsWith(".weight") && !block.includes("norm"))
    .reduce((sum, { size }) => sum + size, 0);

describe("block layouts", () => {
  // the ViT-Tiny of the federated papers: width 192, 3 heads
  const tiny = (depth: number) => layout(vit({ width: 192, heads: 3, depth, patch: 4, classes: 100 }).parameters);

  it("split query, key and value by head: 12 blocks of matrices in a layer", () => {
    expect(matrixBlocks(blockLayout(tiny(6), "paper"))).toBe(6 * 12);
  });

  it("count what Adam-mini counts: 8,100 blocks of matrices at depth 6, 16,200 at depth 12", () => {
    expect(matrixBlocks(blockLayout(tiny(6), "adam-mini"))).toBe(8100);
    expect(matrixBlocks(blockLayout(tiny(12), "adam-mini"))).toBe(16200);
  });

  it("have one block a tensor, or one a coordinate", () => {
    const cnn = layout(cnn28x28().parameters);
    expect(blockLayout(cnn, "tensor").size).toBe(8);
    expect(blockLayout(cnn, "paper").size).toBe(8);
    expect(blockLayout(cnn, "coordinate").size).toBe(cnn.size);
  });
});

describe("block means", () => {
  const spec = (name: string, shape: readonly number[], heads?: number) =>
    ({ name, shape, role: "matrix", block: name.slice(0, -7), ...(heads === undefined ? {} : { heads }) }) as const;
  const model = layout([spec("attention.query.weight", [2, 4], 2), spec("mlp.weight", [2, 3])]);
  const values: Record<string, HostTensor> = {
    "mlp.weight": { dtype: "float", shape: [2, 3], data: Float64Array.of(1, 2, 3, 5, 6, 7) },
    "attention.query.weight": { dtype: "float", shape: [2, 4], data: Float64Array.of(1, 3, 10, 20, 5, 7, 30, 40) },
  };
  const outputs = async (strategy: "paper" | "adam-mini") => {
    const graph = trace((inputs) => {
      const means = blockMeans(inputs, model, strategy);
      return { means, full: expandBlocks(means, model, strategy) };
    }, entryTypes(model));
    const executable = await interpreter().load(compileProgram("blocks", graph));
    const result = await executable.run(values);
    return (name: string) => Array.from(result[name]!.data);
  };

  it("are means over heads and tensors, and expand to every coordinate", async () => {
    const paper = await outputs("paper");
    expect(paper("means/attention.query.weight")).toEqual([4, 25]);
    expect(paper("full/attention.query.weight")).toEqual([4, 4, 25, 25, 4, 4, 25, 25]);
    expect(paper("means/mlp.weight")).toEqual([4]);
  });

  it("are means over output neurons", async () => {
    const mini = await outputs("adam-mini");
    expect(mini("means/attention.query.weight")).toEqual([4, 25]);
    expect(mini("means/mlp.weight")).toEqual([3, 4, 5]);
    expect(mini("full/mlp.weight")).toEqual([3, 4, 5, 3, 4, 5]);
  });
});
