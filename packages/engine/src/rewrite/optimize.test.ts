import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradient.ts";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { trace } from "../graph/trace.ts";
import { graphNodes } from "../graph/traversal.ts";
import { relu } from "../ops/activations.ts";
import { broadcastTo, sum } from "../ops/broadcast.ts";
import { add, div, exp, mul, pow, square, sub } from "../ops/elementwise.ts";
import { identity, stopGradient } from "../ops/identity.ts";
import { mean } from "../ops/reductions.ts";
import { cast } from "../ops/selection.ts";
import { reshape } from "../ops/shape.ts";
import { sample } from "../testing/samples.ts";
import { optimize } from "./optimize.ts";

const x = sample([2, 3]);

/** Operator names left after optimizing fn of x [2, 3]; checks that the value stays the same to the bit. */
function optimized(fn: (x: Tensor) => Tensor): string[] {
  const graph = trace(fn as (x: unknown) => Tensor, { dtype: "float", shape: [2, 3] });
  const better = optimize(graph);
  const [before] = evaluateGraph(graph, [x]);
  const [after] = evaluateGraph(better, [x]);
  expect(Array.from(after!.data)).toEqual(Array.from(before!.data));
  expect(after!.shape).toEqual(before!.shape);
  return graphNodes(better)
    .map((n) => n.operator.name)
    .filter((name) => name !== "input");
}

describe("optimize", () => {
  it("drops identities and neutral operands", () => {
    expect(optimized((x) => exp(identity(stopGradient(x))))).toEqual(["exp"]);
    expect(optimized((x) => exp(sub(div(add(mul(1, x), 0), 1), 0)))).toEqual(["exp"]);
    expect(optimized((x) => add(sub(1, x), div(1, x)))).toEqual(["constant", "sub", "div", "add"]);
    expect(optimized((x) => mul(x, 0))).toEqual(["constant", "mul"]);
  });

  it("keeps a neutral operand that broadcasts", () => {
    expect(optimized((x) => mul(x, broadcastTo(constant(1), [4, 2, 3])))).toContain("mul");
  });

  it("computes equal expressions once", () => {
    expect(optimized((x) => add(exp(square(x)), exp(square(x))))).toEqual(["square", "exp", "add"]);
    expect(optimized((x) => add(mul(x, 2), mul(x, 3)))).toEqual(["constant", "mul", "constant", "mul", "add"]);
  });

  it("distinguishes 0 from -0", () => {
    expect(optimized((x) => div(div(x, 0), div(mul(x, x), -0))).filter((n) => n === "constant").length).toBe(2);
  });

  it("folds constants", () => {
    expect(optimized((x) => mul(x, exp(add(constant([1, 2, 3]), 1))))).toEqual(["constant", "mul"]);
    expect(optimized((x) => mul(x, reshape(cast(constant([1, 0], [2], "int32"), "float"), [2, 1])))).toEqual([
      "constant",
      "mul",
    ]);
    const many = constant(new Float64Array(100), [100]);
    expect(optimized((x) => mul(x, sum(many)))).toContain("sum");
  });

  it("broadcasts implicitly where another operand has the shape", () => {
    expect(optimized((x) => add(x, broadcastTo(constant(3), [2, 3])))).toEqual(["constant", "add"]);
  });

  it("leaves no needless node in a gradient", () => {
    expect(optimized((x) => gradients(sum(relu(x)), x))).toEqual(["relu", "cast", "cast"]);
    expect(optimized((x) => gradients(mean(square(x)), x))).toEqual(["constant", "constant", "mul", "mul"]);
    expect(optimized((x) => gradients(sum(pow(x, 3)), x))).toEqual(["constant", "square", "mul"]);
  });
});
