import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { HostTensor, TensorType } from "../graph/types.ts";
import { relu, tanh } from "../ops/activations.ts";
import { sum } from "../ops/broadcast.ts";
import { scan } from "../ops/control.ts";
import { add, exp, mul, pow, square } from "../ops/elementwise.ts";
import { identity, stopGradient } from "../ops/identity.ts";
import { cast } from "../ops/selection.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { gradients, valueAndGrad, valueAndGradWith } from "./gradient.ts";

type Inputs = Record<string, Tensor>;

function evaluate(fn: (i: Inputs) => TensorTree, inputs: Record<string, HostTensor>): Record<string, number[]> {
  const types = Object.fromEntries(
    Object.entries(inputs).map(([k, t]): [string, TensorType] => [k, { dtype: t.dtype, shape: t.shape }]),
  );
  const graph = trace(fn as (x: unknown) => TensorTree, types);
  const results = evaluateGraph(
    graph,
    graph.inputs.map((i) => inputs[i.name]!),
  );
  return Object.fromEntries(graph.outputs.map((o, i) => [o.name, Array.from(results[i]!.data)]));
}

const x = host("float", [3], [1, 2, -3]);
const y = host("float", [3], [0.5, -1, 4]);

describe("valueAndGrad", () => {
  it("returns the value and the gradient of every leaf of a tree", () => {
    const result = evaluate(
      ({ x, y }) => valueAndGrad((v) => sum(mul(square(v.a), v.inner.b)), { a: x!, inner: { b: y! } }),
      { x, y },
    );
    expect(result).toEqual({
      value: [0.5 - 4 + 36],
      "gradients/a": [1, -4, -24],
      "gradients/inner/b": [1, 4, 9],
    });
  });

  it("gives zeros to leaves that the value does not depend on", async () => {
    const fn = ({ x, y }: Inputs) => valueAndGrad((v) => sum(square(v.x)), { x: x!, y: y! }).gradients;
    expect(evaluate(fn, { x, y })["y"]).toEqual([0, 0, 0]);
    await checkExecutor("unused symbolic leaf", fn, { x, y }, { shapes: { x: ["N"], y: ["N"] } });
  });

  it("keeps leaves apart that are the same value, or derived from each other", () => {
    const result = evaluate(
      ({ x }) => {
        const twice = mul(x!, 2);
        return valueAndGrad((v) => sum(mul(v.a, mul(v.b, v.c))), { a: x!, b: x!, c: twice }).gradients;
      },
      { x },
    );
    expect(result).toEqual({ a: [2, 8, 18], b: [2, 8, 18], c: [1, 4, 9] });
  });

  it("nests: gradients of gradients, twice and three times", () => {
    const derivative = (fn: (x: Tensor) => Tensor) => (x: Tensor) =>
      valueAndGrad((v) => sum(fn(v.x)), { x }).gradients.x;
    const cube = (x: Tensor) => pow(x, 3);
    const result = evaluate(
      ({ x }) => ({
        first: derivative(cube)(x!),
        second: derivative(derivative(cube))(x!),
        third: derivative(derivative(derivative(cube)))(x!),
      }),
      { x },
    );
    expect(result["first"]).toEqual([3, 12, 27]);
    expect(result["second"]).toEqual([6, 12, -18]);
    expect(result["third"]).toEqual([6, 6, 6]);
  });

  it("differentiates an inner gradient by a variable of the outer function", () => {
    // inner gradient by w is 2 w x^2; its sum by x is 4 w x
    const result = evaluate(
      ({ x, y }) =>
        valueAndGrad(
          (outer) => sum(valueAndGrad((inner) => sum(square(mul(inner.w, outer.x))), { w: y! }).gradients.w),
          { x: x! },
        ).gradients,
      { x, y },
    );
    expect(result["x"]).toEqual([2, -8, -48]);
  });

  it("is a Hessian-vector product under differences", async () => {
    const fn = ({ x, y }: Inputs) => {
      const { gradients: first } = valueAndGrad((v) => sum(exp(mul(tanh(v.x), y!))), { x: x! });
      return sum(mul(first.x, y!));
    };
    checkGradients("Hessian-vector product", fn, { x: sample([3]), y: sample([3], { seed: 2 }) });
    await checkExecutor("Hessian-vector product", fn, { x: sample([3]), y: sample([3], { seed: 2 }) });
  });
});

describe("gradients", () => {
  it("adds up over all uses of a value", () => {
    expect(evaluate(({ x }) => gradients(sum(add(mul(x!, x!), add(x!, identity(x!)))), x!), { x })[""]).toEqual([
      4, 6, -4,
    ]);
  });

  it("stop at stopGradient and at integers", () => {
    const fn = ({ x }: Inputs) => gradients(sum(mul(x!, add(stopGradient(x!), cast(cast(x!, "int32"), "float")))), x!);
    expect(evaluate(fn, { x })[""]).toEqual([2, 4, -6]);
  });

  it("of relu at 0 is 0", () => {
    const zero = host("float", [2], [0, -0]);
    expect(evaluate(({ zero }) => gradients(sum(relu(zero!)), zero!), { zero })[""]).toEqual([0, 0]);
  });

  it("by a loop's own results, which no gradient passes", () => {
    const fn = ({ x }: Inputs) => {
      const { carry } = scan(
        (c: { w: Tensor }, s: { x: Tensor }) => ({ carry: { w: add(c.w, s.x) }, output: {} }),
        { w: sum(x!) },
        { x: x! },
      );
      return gradients(square(carry.w), carry).w;
    };
    // 2 (sum of x + sum of x)
    expect(evaluate(fn, { x })[""]).toEqual([4 * Array.from(x.data).reduce((a, v) => a + v, 0)]);
  });

  it("pass auxiliary values through", () => {
    const fn = ({ x }: Inputs) => {
      const { value, auxiliary, gradients } = valueAndGradWith(
        (v) => ({ value: sum(square(v.x)), auxiliary: { doubled: mul(v.x, 2) } }),
        { x: x! },
      );
      return { value, auxiliary, gradients };
    };
    expect(evaluate(fn, { x })["auxiliary/doubled"]).toEqual([2, 4, -6]);
  });

  it("refuse a value that is no scalar and a variable that is no float", () => {
    expect(() => evaluate(({ x }) => gradients(x!, x!), { x })).toThrow(/only a float scalar has a gradient/);
    const n = host("int32", [1], [1]);
    const byInteger = ({ x, n }: Inputs) => valueAndGrad((v) => sum(v.x), { x: x!, n: n! }).gradients;
    expect(() => evaluate(byInteger, { x, n })).toThrow(/variable "n"/);
  });
});
