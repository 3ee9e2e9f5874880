import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { trace } from "../graph/trace.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import { type ConvolutionOptions, conv2d, conv2dInputGradient, conv2dWeightGradient } from "./convolution.ts";

interface Case {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly options: ConvolutionOptions;
}
const cases: readonly Case[] = [
  { name: "valid 3x3", x: [2, 3, 5, 6], w: [4, 3, 3, 3], options: {} },
  { name: "1x1", x: [2, 3, 4, 4], w: [2, 3, 1, 1], options: {} },
  { name: "same 3x3", x: [2, 2, 6, 6], w: [3, 2, 3, 3], options: { padding: 1 } },
  { name: "same 5x5", x: [2, 2, 6, 4], w: [3, 2, 5, 5], options: { padding: 2 } },
  { name: "stride 2, odd size", x: [2, 2, 7, 7], w: [3, 2, 3, 3], options: { stride: 2, padding: 1 } },
  { name: "stride 2, even size, rows left over", x: [2, 2, 6, 8], w: [3, 2, 3, 3], options: { stride: 2 } },
  { name: "stride 3x2", x: [1, 2, 8, 7], w: [2, 2, 2, 3], options: { stride: [3, 2], padding: [1, 0] } },
  { name: "stride larger than the kernel", x: [2, 2, 8, 8], w: [2, 2, 1, 1], options: { stride: 3 } },
  { name: "dilated", x: [2, 2, 7, 8], w: [2, 2, 3, 2], options: { dilation: 2, padding: 2 } },
  { name: "dilated and strided", x: [1, 2, 9, 10], w: [2, 2, 3, 3], options: { dilation: 2, stride: 2, padding: 1 } },
  { name: "asymmetric padding", x: [2, 2, 5, 5], w: [2, 2, 4, 4], options: { padding: [1, 2, 2, 1] } },
  {
    name: "asymmetric padding and stride",
    x: [2, 2, 6, 5],
    w: [2, 2, 3, 3],
    options: { padding: [0, 1, 2, 1], stride: 2 },
  },
  { name: "two groups", x: [2, 4, 5, 5], w: [6, 2, 3, 3], options: { groups: 2, padding: 1 } },
  { name: "two groups, stride 2, rows left over", x: [3, 4, 6, 6], w: [4, 2, 3, 3], options: { groups: 2, stride: 2 } },
  { name: "depthwise", x: [2, 3, 5, 5], w: [3, 1, 3, 3], options: { groups: 3, padding: 1 } },
  {
    name: "depthwise with two filters a channel, dilated",
    x: [2, 3, 6, 6],
    w: [6, 1, 3, 3],
    options: { groups: 3, dilation: 2, padding: 2 },
  },
  {
    name: "two groups, all windows of an axis in its padding",
    x: [1, 4, 5, 1],
    w: [2, 2, 2, 1],
    options: { groups: 2, stride: [3, 2], dilation: [2, 1], padding: [3, 3, 0, 0] },
  },
  { name: "one window", x: [2, 3, 3, 3], w: [4, 3, 3, 3], options: {} },
];

const inputs = ({ x, w }: Case) => ({ x: sample(x), w: sample(w, { seed: 2 }) });

describe("conv2d", () => {
  it.each(cases)("$name", async (c) => {
    const convolve = (v: Record<string, Tensor>) => conv2d(v.x!, v.w!, c.options);
    checkGradients(`conv2d ${c.name}`, convolve, inputs(c));
    await checkExecutor(`conv2d ${c.name}`, convolve, inputs(c));
  });

  it.each(cases)("$name: its adjoints are bilinear operators too", async (c) => {
    const types = { x: { dtype: "float", shape: c.x }, w: { dtype: "float", shape: c.w } } as const;
    const y = trace(({ x, w }) => conv2d(x, w, c.options), types).outputs[0]!.tensor.shape as number[];
    const g = sample(y, { seed: 3 });
    const toInput = (v: Record<string, Tensor>) => conv2dInputGradient(v.g!, v.w!, [c.x[2], c.x[3]], c.options);
    const toWeight = (v: Record<string, Tensor>) => conv2dWeightGradient(v.x!, v.g!, [c.w[2], c.w[3]], c.options);
    const { x, w } = inputs(c);
    checkGradients(`conv2d input gradient ${c.name}`, toInput, { g, w }, { second: false });
    checkGradients(`conv2d weight gradient ${c.name}`, toWeight, { x, g }, { second: false });
    await checkExecutor(`conv2d input gradient ${c.name}`, toInput, { g, w });
    await checkExecutor(`conv2d weight gradient ${c.name}`, toWeight, { x, g });
  });

  it("keeps a symbolic batch", async () => {
    for (const c of [cases[2]!, cases[5]!, cases[13]!]) {
      const shapes = { x: ["N", ...c.x.slice(1)] };
      await checkExecutor(`conv2d ${c.name}, N`, (v) => conv2d(v.x!, v.w!, c.options), inputs(c), { shapes });
    }
  });

  it("computes a cross-correlation by hand", () => {
    const types = { x: { dtype: "float", shape: [1, 1, 2, 3] }, w: { dtype: "float", shape: [1, 1, 2, 2] } } as const;
    const graph = trace(({ w, x }) => conv2d(x, w), types);
    const x = { dtype: "float", shape: [1, 1, 2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) } as const;
    const w = { dtype: "float", shape: [1, 1, 2, 2], data: Float64Array.of(1, 10, 100, 1000) } as const;
    // 1 1 + 2 10 + 4 100 + 5 1000 and one pixel further
    expect([...evaluateGraph(graph, [w, x])[0]!.data]).toEqual([5421, 6532]);
  });

  it("its adjoints refuse a cotangent of another rank", () => {
    const types = { g: { dtype: "float", shape: [1, 2] }, w: { dtype: "float", shape: [2, 1, 3, 3] } } as const;
    expect(() => trace(({ g, w }) => conv2dInputGradient(g, w, [4, 4]), types)).toThrow(/operands do not fit/);
  });

  it("refuses channels and windows that do not fit", () => {
    const types = { x: { dtype: "float", shape: [1, 3, 4, 4] }, w: { dtype: "float", shape: [2, 2, 3, 3] } } as const;
    expect(() => trace(({ x, w }) => conv2d(x, w), types)).toThrow(/operands do not fit/);
    const large = { ...types, w: { dtype: "float", shape: [2, 3, 5, 5] } } as const;
    expect(() => trace(({ x, w }) => conv2d(x, w), large)).toThrow(/larger than the padded image/);
  });
});
