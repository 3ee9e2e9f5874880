import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import { mul, square, sub, tanh } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { sum } from "../ops/reductions.ts";
import { checkExecutor, host, sample } from "../testing/check.ts";
import { graphNodes } from "./graph.ts";
import { optimize } from "./optimize.ts";
import type { Tensor, TensorType } from "./tensor.ts";
import { type TensorTree, trace } from "./trace.ts";

type Inputs = Record<string, Tensor>;

function step(w: Tensor, x: Tensor, rate: Tensor): { w: Tensor; gradient: Tensor } {
  const { gradients } = valueAndGrad((v) => sum(square(tanh(matmul(x, v.w)))), { w });
  return { w: sub(w, mul(rate, gradients.w)), gradient: gradients.w };
}

function names(fn: (i: Inputs) => TensorTree): string[] {
  const types: Record<string, TensorType> = {
    w: { dtype: "float", shape: [4, 2] },
    x: { dtype: "float", shape: ["N", 4] },
    rate: { dtype: "float", shape: [] },
  };
  return graphNodes(optimize(trace(fn as (x: unknown) => TensorTree, types))).map((n) => n.operator.name);
}

const inputs = { w: sample([4, 2]), x: sample([3, 4], { seed: 2 }), rate: host("float", [], [0.125]) };

describe("the update of a weight matrix", () => {
  it("is one operator", async () => {
    const fn = ({ w, x, rate }: Inputs) => step(w!, x!, rate!).w;
    expect(names(fn)).toContain("productUpdate");
    expect(names(fn).filter((n) => n === "sub").length).toBe(1); // 1 - tanh^2
    await checkExecutor("fused update", fn, inputs, { gradients: false, shapes: { x: ["N", 4] } });
  });

  it("is one operator in each of several steps", async () => {
    const fn = ({ w, x, rate }: Inputs) => step(step(step(w!, x!, rate!).w, x!, rate!).w, x!, rate!).w;
    expect(names(fn).filter((n) => n === "productUpdate").length).toBe(3);
    expect(names(fn).filter((n) => n === "tanh").length).toBe(3);
    await checkExecutor("three fused updates", fn, inputs, { gradients: false });
  });

  it("with the larger factor on the left scales the right one", async () => {
    const fn = ({ a, b, c, rate }: Inputs) => sub(c!, mul(matmul(a!, b!, { transposeB: true }), rate!));
    const wide = { a: sample([5, 3]), b: sample([2, 3]), c: sample([5, 2]), rate: inputs.rate };
    await checkExecutor("wide update", fn, wide, { gradients: false });
    await checkExecutor("wide update and its gradients", fn, wide);
  });

  it("stays apart where the gradient is used elsewhere", () => {
    const fn = ({ w, x, rate }: Inputs) => ({ ...step(w!, x!, rate!) });
    expect(names(fn)).not.toContain("productUpdate");
  });
});
