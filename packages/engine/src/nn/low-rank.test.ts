import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradient.ts";
import { evaluate } from "../executor/evaluate.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { sortNodes } from "../graph/traversal.ts";
import { sum } from "../ops/broadcast.ts";
import { add } from "../ops/elementwise.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import { conv2d } from "./convolution.ts";
import { dense } from "./dense.ts";
import { lowRankParts, lowRankSum } from "./low-rank.ts";
import type { Module } from "./module.ts";

const layers: Record<string, { layer: Module; x: number[]; w: number[]; a: number[]; b: number[] }> = {
  dense: { layer: dense("l", 4, 3), x: [5, 4], w: [4, 3], a: [4, 2], b: [2, 3] },
  "dense of few rows": { layer: dense("l", 4, 3), x: [1, 4], w: [4, 3], a: [4, 2], b: [2, 3] },
  "dense over tokens": { layer: dense("l", 4, 3), x: [2, 5, 4], w: [4, 3], a: [4, 2], b: [2, 3] },
  convolution: {
    layer: conv2d("l", 2, 3, 3, { stride: 2, padding: 1 }),
    ...{ x: [2, 2, 5, 5], w: [3, 2, 3, 3], a: [1, 2, 3, 3], b: [3, 1, 1, 1] },
  },
  "convolution of one window": {
    layer: conv2d("l", 2, 3, 3),
    ...{ x: [1, 2, 3, 3], w: [3, 2, 3, 3], a: [1, 2, 3, 3], b: [3, 1, 1, 1] },
  },
  "grouped convolution": {
    layer: conv2d("l", 4, 4, 3, { groups: 2 }),
    ...{ x: [2, 4, 5, 5], w: [4, 2, 3, 3], a: [1, 2, 3, 3], b: [4, 1, 1, 1] },
  },
};

describe.each(Object.entries(layers))("a low-rank sum as the weight of a layer: %s", (_, { layer, x, w, a, b }) => {
  const inputs = {
    x: sample(x),
    w: sample(w),
    a: sample(a),
    b: sample(b),
    bias: sample([w.length === 2 ? w[1]! : w[0]!]),
  };
  const apply = (i: Readonly<Record<string, Tensor>>) =>
    layer.apply({ "l.weight": lowRankSum({ weight: i["w"]!, a: i["a"]!, b: i["b"]! }), "l.bias": i["bias"]! }, i["x"]!);

  it("has right derivatives, and the executor agrees", async () => {
    checkGradients("low-rank", apply, inputs);
    await checkExecutor("low-rank", apply, inputs);
  });

  it("gives what the sum itself gives", () => {
    const values = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, constant(Array.from(data), shape)]),
    );
    const sum = lowRankSum({ weight: values["w"]!, a: values["a"]!, b: values["b"]! });
    const whole = constant(Array.from(evaluate(sum).data), w);
    const direct = evaluate(layer.apply({ "l.weight": whole, "l.bias": values["bias"]! }, values["x"]!)).data;
    const parts = evaluate(apply(values)).data;
    expect(Math.max(...direct.map((v, i) => Math.abs(v - parts[i]!)))).toBeLessThan(1e-12);
  });
});

describe("parts of a sum", () => {
  it("are found where they are, and nowhere else", () => {
    const weight = constant([1, 2, 3, 4], [2, 2]);
    const [a, b] = [constant([1, 2], [2, 1]), constant([1, 2], [1, 2])];
    expect(lowRankParts(lowRankSum({ weight, a, b }))).toEqual({ weight, a, b });
    for (const other of [weight, add(weight, weight), add(weight, 1)]) expect(lowRankParts(other)).toBeUndefined();
  });

  it("save the product of the whole weight", () => {
    const weight = constant([1, 2, 3, 4], [2, 2]);
    const y = dense("l", 2, 2, { bias: false }).apply(
      { "l.weight": lowRankSum({ weight, a: constant([1, 2], [2, 1]), b: constant([1, 2], [1, 2]) }) },
      constant([1, 1], [1, 2]),
    );
    const products = sortNodes([y]).filter(({ operator }) => operator.name === "matmul");
    // x W, x a and (x a) b; a b is not among them
    expect(products.map(({ inputs: [left, right] }) => [left!.shape, right!.shape])).not.toContainEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(products).toHaveLength(3);
  });

  it.each([
    ["few", 2],
    ["many", 9],
  ])("save the gradient of the whole weight where there are %s rows", (_rows, n) => {
    const parameters = { a: constant([1, 2, 3, 4], [4, 1]), b: constant([1, 2, 3, 4], [1, 4]) };
    const x = constant(new Array<number>(4 * n).fill(1), [n, 4]);
    const of = { "l.weight": lowRankSum({ weight: constant(new Array<number>(16).fill(1), [4, 4]), ...parameters }) };
    const { a, b } = gradients(sum(dense("l", 4, 4, { bias: false }).apply(of, x)), parameters);
    // rows that meet rows: x^T g would be [4, n] [n, 4]
    const products = sortNodes([a, b]).filter(({ operator }) => operator.name === "matmul");
    const whole = products.filter(
      ({ outputs, attributes }) => attributes["transposeA"] === true && String(outputs[0]!.shape) === "4,4",
    );
    expect(whole).toEqual([]);
    expect([a.shape, b.shape]).toEqual([
      [4, 1],
      [1, 4],
    ]);
  });
});
