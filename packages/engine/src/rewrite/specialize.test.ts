import { describe, expect, it } from "vitest";
import { gradients, valueAndGrad } from "../autodiff/gradient.ts";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Graph, Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import { graphNodes } from "../graph/traversal.ts";
import type { HostTensor } from "../graph/types.ts";
import { relu, tanh } from "../ops/activations.ts";
import { sum } from "../ops/broadcast.ts";
import { conv2d } from "../ops/convolution.ts";
import { add, mul, square, sub } from "../ops/elementwise.ts";
import { linear, matmul } from "../ops/matmul.ts";
import { maxPool2d } from "../ops/pooling.ts";
import { reshape } from "../ops/shape.ts";
import { checkExecutor, host, sample } from "../testing/check.ts";
import { optimize } from "./optimize.ts";
import { specialize } from "./specialize.ts";

type Inputs = Readonly<Record<string, HostTensor>>;

/** The specialized graph of `fn`, after comparing its values with the traced one's. */
function specialized(fn: (x: Record<string, Tensor>) => TensorTree, inputs: Inputs): Graph {
  const types = Object.fromEntries(Object.entries(inputs).map(([k, t]) => [k, { dtype: t.dtype, shape: t.shape }]));
  const graph = optimize(trace(fn as (x: unknown) => TensorTree, types));
  const rewritten = specialize(graph);
  const values = graph.inputs.map((i) => inputs[i.name]!);
  const expected = evaluateGraph(graph, values);
  evaluateGraph(rewritten, values).forEach((actual, i) => {
    actual.data.forEach((v, j) => {
      expect(v).toBeCloseTo(expected[i]!.data[j]!, 12);
    });
  });
  return rewritten;
}

const operators = (graph: Graph) => graphNodes(graph).map((node) => node.operator.name);

describe("specialize", () => {
  it("adds a bias, a sum of gradients and a decayed momentum inside the product", () => {
    const inputs = { x: sample([3, 4]), w: sample([4, 5]), b: sample([5]), m: sample([4, 5]), g: sample([3, 5]) };
    expect(operators(specialized((v) => linear(v.x!, v.w!, v.b), inputs))).not.toContain("add");
    const momentum = (v: Record<string, Tensor>) => add(mul(v.m!, 0.9), matmul(v.x!, v.g!, { transposeA: true }));
    const fused = operators(specialized(momentum, inputs));
    expect(fused).toContain("gemm");
    expect(fused).not.toContain("mul");
    const two = (v: Record<string, Tensor>) => add(matmul(v.x!, v.w!), matmul(v.g!, v.m!, { transposeB: true }));
    const square = { x: sample([3, 4]), w: sample([4, 4]), g: sample([3, 5]), m: sample([4, 5]) };
    expect(operators(specialized(two, square))).not.toContain("add");
  });

  it("leaves a product alone that is read elsewhere", () => {
    const both = (v: Record<string, Tensor>) => {
      const y = matmul(v.x!, v.w!);
      return { y, shifted: add(y, v.b!) };
    };
    const inputs = { x: sample([3, 4]), w: sample([4, 5]), b: sample([5]) };
    expect(operators(specialized(both, inputs))).not.toContain("gemm");
  });

  it("adds a convolution's bias inside it", async () => {
    const fn = (v: Record<string, Tensor>) => relu(add(conv2d(v.x!, v.w!), reshape(v.b!, [3, 1, 1])));
    const inputs = { x: sample([2, 2, 5, 5]), w: sample([3, 2, 3, 3]), b: sample([3]) };
    expect(operators(specialized(fn, inputs))).toContain("conv2dBias");
    await checkExecutor("conv2d with bias and relu", fn, inputs);
  });

  it("masks the gradient of relu after pooling, where it is smaller", async () => {
    const fn = (v: Record<string, Tensor>) => sum(mul(maxPool2d(relu(v.z!), { size: 2 }), v.c!));
    const graph = (v: Record<string, Tensor>) => gradients(fn(v), { z: v.z! });
    const inputs = { z: sample([2, 3, 4, 6]), c: sample([2, 3, 2, 3]) };
    const nodes = graphNodes(specialized(graph, inputs));
    const masks = nodes.filter((n) => n.operator.name === "cast" && n.outputs[0]!.dtype === "bool");
    expect(masks.map((n) => n.outputs[0]!.shape)).toEqual([[2, 3, 2, 3]]);
    await checkExecutor("relu and max-pool", fn, inputs);
  });
});

describe("the update of a weight matrix", () => {
  const inputs = { w: sample([4, 2]), x: sample([3, 4], { seed: 2 }), rate: host("float", [], [0.125]) };
  const step = (w: Tensor, x: Tensor, rate: Tensor) => {
    const { gradients: by } = valueAndGrad((v) => sum(square(tanh(matmul(x, v.w)))), { w });
    return { w: sub(w, mul(rate, by.w)), gradient: by.w };
  };
  const count = (graph: Graph, name: string) => operators(graph).filter((n) => n === name).length;

  it("is one product, in each of several steps", async () => {
    const once = (v: Record<string, Tensor>) => step(v.w!, v.x!, v.rate!).w;
    const thrice = (v: Record<string, Tensor>) => step(step(once(v), v.x!, v.rate!).w, v.x!, v.rate!).w;
    expect(count(specialized(once, inputs), "gemm")).toBe(1);
    expect(count(specialized(once, inputs), "sub")).toBe(1); // 1 - tanh^2
    expect(count(specialized(thrice, inputs), "gemm")).toBe(3);
    await checkExecutor("fused update", once, inputs, { gradients: false, shapes: { x: ["N", 4] } });
    await checkExecutor("three fused updates", thrice, inputs, { gradients: false });
  });

  it("scales the smaller factor", async () => {
    const fn = (v: Record<string, Tensor>) => sub(v.c!, mul(matmul(v.a!, v.b!, { transposeB: true }), v.rate!));
    const wide = { a: sample([5, 3]), b: sample([2, 3]), c: sample([5, 2]), rate: inputs.rate };
    const scaled = graphNodes(specialized(fn, wide)).find((n) => n.operator.name === "mul")!;
    expect(scaled.outputs[0]!.shape).toEqual([2, 3]);
    await checkExecutor("wide update and its gradients", fn, wide);
  });

  it("stays apart where the gradient is used elsewhere", () => {
    const both = (v: Record<string, Tensor>) => ({ ...step(v.w!, v.x!, v.rate!) });
    expect(operators(specialized(both, inputs))).not.toContain("gemm");
  });
});

describe("convolutions in the Winograd domain", () => {
  const cases = [
    { name: "5x5", x: [2, 32, 12, 12], w: [32, 32, 5, 5], padding: 2 },
    { name: "3x3", x: [2, 32, 8, 8], w: [64, 32, 3, 3], padding: 1 },
    { name: "3x5, no padding, extents no multiple of a tile", x: [2, 64, 11, 15], w: [64, 64, 3, 5], padding: 0 },
    { name: "3x3, asymmetric padding", x: [2, 64, 12, 11], w: [64, 64, 3, 3], padding: [0, 2, 1, 1] },
  ] as const;

  it.each(cases)("$name: the result and both gradients", async ({ name, x, w, padding }) => {
    const fn = (v: Record<string, Tensor>) => conv2d(v.x!, v.w!, { padding });
    const inputs = { x: sample(x), w: sample(w, { seed: 2 }) };
    const types = { x: { dtype: "float", shape: x }, w: { dtype: "float", shape: w } } as const;
    const step = trace((v) => {
      const y = fn(v);
      return { y, by: gradients(sum(mul(y, y)), v) };
    }, types);
    const forms = graphNodes(specialize(optimize(step))).filter((n) => n.attributes.form === "winograd");
    expect(forms.map((n) => n.operator.name).sort()).toEqual(["conv2d", "conv2dInputGradient", "conv2dWeightGradient"]);
    await checkExecutor(`conv2d, Winograd ${name}`, fn, inputs, { shapes: { x: ["N", ...x.slice(1)] } });
  });

  it.each([
    ["a small batch", 100, "winograd"],
    ["a batch whose transformed images take much memory", 101, undefined],
    ["a batch of any size", "N", undefined],
  ] as const)("a forward pass alone over %s", (_, batch, form) => {
    const types = {
      x: { dtype: "float", shape: [batch, 32, 12, 12] },
      w: { dtype: "float", shape: [32, 32, 5, 5] },
    } as const;
    const nodes = graphNodes(specialize(trace(({ x, w }) => conv2d(x, w, { padding: 2 }), types)));
    expect(nodes.flatMap((n) => (n.operator.name.startsWith("conv2d") ? [n.attributes.form] : []))).toEqual([form]);
  });

  it("a forward pass alone: the result", async () => {
    const fn = (v: Record<string, Tensor>) => conv2d(v.x!, v.w!, { padding: 1 });
    const inputs = { x: sample([2, 32, 8, 8]), w: sample([64, 32, 3, 3], { seed: 2 }) };
    await checkExecutor("conv2d, Winograd alone", fn, inputs, { gradients: false });
  });
});
