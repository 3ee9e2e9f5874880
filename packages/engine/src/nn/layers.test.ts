import { describe, expect, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import type { HostTensor } from "../graph/types.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import * as nn from "./index.ts";

/** Sample values of a module's parameters. */
function values(module: nn.Module): Record<string, HostTensor> {
  return Object.fromEntries(module.parameters.map((p, i) => [p.name, sample(p.shape, { seed: i + 2, scale: 0.6 })]));
}

const apply = (module: nn.Module) => (i: Record<string, Tensor>) => module.apply(i, i["input"]!);

const layers: { name: string; module: nn.Module; input: HostTensor }[] = [
  { name: "dense", module: nn.dense("dense", 4, 3), input: sample([2, 5, 4]) },
  { name: "dense without bias", module: nn.dense("dense", 4, 3, { bias: false }), input: sample([2, 4]) },
  { name: "conv2d", module: nn.conv2d("conv", 2, 3, 3, { padding: 1, stride: 2 }), input: sample([2, 2, 5, 5]) },
  {
    name: "grouped conv2d",
    module: nn.conv2d("conv", 4, 2, 3, { groups: 2, bias: false }),
    input: sample([1, 4, 4, 4]),
  },
  { name: "maxPool", module: nn.maxPool(2), input: sample([2, 2, 4, 4], { scale: 50 }) },
  { name: "groupNorm", module: nn.groupNorm("norm", 4, 2), input: sample([2, 4, 3, 2]) },
  { name: "layerNorm", module: nn.layerNorm("norm", 5), input: sample([2, 3, 5]) },
  { name: "multiHeadAttention", module: nn.multiHeadAttention("attention", 6, 2), input: sample([2, 3, 6]) },
  {
    name: "causal transformerBlock",
    module: nn.transformerBlock("block", { width: 4, heads: 2, hidden: 6, causal: true }),
    input: sample([2, 3, 4]),
  },
];

describe("layers", () => {
  it.each(layers)("$name: derivatives and executor", async ({ name, module, input }) => {
    const inputs = { input, ...values(module) };
    checkGradients(name, apply(module), inputs);
    await checkExecutor(name, apply(module), inputs, { shapes: { input: ["N", ...input.shape.slice(1)] } });
  });

  it("embedding: derivatives and executor", async () => {
    const module = nn.sequential(nn.embedding("tokens", 5, 3), nn.positionEmbedding("positions", 2, 3));
    const inputs = { input: host("int32", [3, 2], [0, 4, 4, 4, 1, 2]), ...values(module) };
    checkGradients("embedding", apply(module), inputs);
    await checkExecutor("embedding", apply(module), inputs, { shapes: { input: ["N", 2] } });
  });

  it("residual adds a shortcut with parameters of its own", () => {
    const module = nn.residual(nn.dense("body", 3, 2), nn.dense("shortcut", 3, 2, { bias: false }));
    checkGradients("residual", apply(module), { input: sample([2, 3]), ...values(module) });
    expect(module.parameters.map((p) => p.name)).toEqual(["body.weight", "body.bias", "shortcut.weight"]);
  });
});

describe("parameters", () => {
  it("carry hierarchical names, blocks and roles", () => {
    const { parameters, masks } = nn.transformerBlock("block1", { width: 8, heads: 2, dropout: 0.1, length: 5 });
    expect(parameters.map((p) => p.name)).toContain("block1.attention.query.weight");
    const byName = Object.fromEntries(parameters.map((p) => [p.name, p]));
    expect(byName["block1.attention.query.weight"]).toMatchObject({ block: "block1.attention.query", role: "matrix" });
    expect(byName["block1.norm1.gamma"]).toMatchObject({ role: "normalization", initialize: { kind: "ones" } });
    expect(masks).toEqual([
      { name: "block1.dropout1", shape: [5, 8], keep: 0.9 },
      { name: "block1.dropout2", shape: [5, 8], keep: 0.9 },
    ]);
    // 4 (8 x 8 + 8) of attention, 8 x 32 + 32 + 32 x 8 + 8 of the hidden layer, 4 x 8 of the norms
    expect(nn.countParameters(parameters)).toBe(288 + 552 + 32);
  });

  it("start as their layers' defaults say", () => {
    const limit = (module: nn.Module, i: number) => module.parameters[i]!.initialize;
    expect(limit(nn.dense("d", 16, 4), 0)).toEqual({ kind: "uniform", limit: 0.25 });
    expect(limit(nn.dense("d", 16, 4), 1)).toEqual({ kind: "uniform", limit: 0.25 });
    expect(limit(nn.conv2d("c", 4, 8, 2), 1)).toEqual({ kind: "uniform", limit: 0.25 });
    const glorot = { initialization: nn.glorotInitialization };
    expect(limit(nn.dense("d", 2, 4, glorot), 0)).toEqual({ kind: "uniform", limit: 1 });
    // fans of a 3x3 kernel from 2 to 4 channels: 18 and 36
    expect(limit(nn.conv2d("c", 2, 4, 3, glorot), 0)).toEqual({ kind: "uniform", limit: Math.sqrt(6 / 54) });
    expect(limit(nn.conv2d("c", 2, 4, 3, glorot), 1)).toEqual({ kind: "zeros" });
    expect(nn.heUniform(6)).toEqual({ kind: "uniform", limit: 1 });
  });

  it("groups must divide the channels, and dropout needs a length", () => {
    expect(() => nn.conv2d("conv", 3, 4, 3, { groups: 2 })).toThrow(/do not divide into groups/);
    expect(() => nn.transformerBlock("b", { width: 4, heads: 2, dropout: 0.1 })).toThrow(/length of the sequences/);
  });

  it("heads must divide the width", () => {
    expect(() => nn.multiHeadAttention("attention", 10, 3)).toThrow(/multiple of the number of heads/);
  });
});

it("drawParameters draws each kind of start", () => {
  const specs = [nn.ones, nn.zeros, nn.uniform(0.5), nn.normal(0.1)].map((initialize, i) =>
    nn.parameter("layer", `p${i}`, [20, 25], "matrix", initialize),
  );
  let state = 1;
  const random = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const [one, zero, uniform, normal] = Object.values(nn.drawParameters(specs, random, "p/")).map((t) => [...t.data]);
  expect(Object.keys(nn.drawParameters(specs, random, "p/"))[0]).toBe("p/layer.p0");
  expect([Math.min(...one!), Math.max(...zero!)]).toEqual([1, 0]);
  const deviation = (values: number[]) => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);
  expect(Math.max(...uniform!.map(Math.abs))).toBeLessThanOrEqual(0.5);
  // fixed numbers, so no false alarms; a deviation of 500 draws is off by about 3 %
  expect(deviation(uniform!)).toBeCloseTo(0.5 / Math.sqrt(3), 1);
  expect(deviation(normal!)).toBeCloseTo(0.1, 1);
});
