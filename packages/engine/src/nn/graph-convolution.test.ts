import { describe, expect, it } from "vitest";
import { constant, nn, type Tensor } from "../index.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";

const edges = { from: [0, 1, 1, 2, 2, 0, 3], to: [1, 0, 2, 1, 2, 0, 3] };
const int32 = (values: number[]) => constant(values, [values.length], "int32");

function layer(inputs: number, outputs: number, bias = true) {
  const module = nn.graphConvolution("conv", inputs, outputs, { bias });
  return ({ x, w, b, weights }: Record<string, Tensor>) =>
    module.apply({ "conv.weight": w!, ...(bias ? { "conv.bias": b! } : {}) }, x!, {
      graph: { features: x!, from: int32(edges.from), to: int32(edges.to), weights: weights! },
    });
}

describe("graph convolution", () => {
  it.each([
    ["wider", 2, 3, true],
    ["narrower", 3, 2, true],
    ["without a bias", 3, 2, false],
  ])("has exact gradients and equal results on every executor: %s", async (name, inputs, outputs, bias) => {
    const values = { x: sample([4, inputs]), w: sample([inputs, outputs]), b: sample([outputs]), weights: sample([7]) };
    const { b: _, ...unbiased } = values;
    const given = bias ? values : unbiased;
    checkGradients(`graph convolution ${name}`, layer(inputs, outputs, bias), given);
    await checkExecutor(`graph convolution ${name}`, layer(inputs, outputs, bias), given);
  });

  it("needs a graph", () => {
    const module = nn.graphConvolution("conv", 1, 1);
    const p = { "conv.weight": constant([1], [1, 1]), "conv.bias": constant([0], [1]) };
    expect(() => module.apply(p, constant([1], [1, 1]))).toThrow(/no graph/);
  });
});
