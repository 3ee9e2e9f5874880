import { expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import { interpreter } from "../executor/interpreter.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { TensorType } from "../graph/types.ts";
import { sum } from "../ops/broadcast.ts";
import { greater } from "../ops/comparison.ts";
import { cond, scan } from "../ops/control.ts";
import { conv2d } from "../ops/convolution.ts";
import { add, exp, mul, square, sub } from "../ops/elementwise.ts";
import { identity } from "../ops/identity.ts";
import { mean } from "../ops/reductions.ts";
import { host, sample } from "../testing/check.ts";
import { compileProgram } from "./program.ts";
import { deserializeGraph } from "./serialize.ts";

const types: Record<string, TensorType> = {
  w: { dtype: "float", shape: [3] },
  xs: { dtype: "float", shape: ["K", "N", 3] },
  unused: { dtype: "int32", shape: ["M"] },
};

function compile() {
  const fn = ({ w, xs }: Record<string, Tensor>): TensorTree => {
    const loop = scan(
      (c: { w: Tensor }, s: { x: Tensor }) => {
        const { value, gradients } = valueAndGrad((v) => mean(square(sub(exp(mul(v.w, s.x)), 1))), { w: c.w });
        return { carry: { w: sub(c.w, mul(0.1, gradients.w)) }, output: { loss: value } };
      },
      { w: w! },
      { x: xs! },
    );
    const large = constant(
      Float64Array.from({ length: 300 }, (_, i) => i / 8),
      [100, 3],
    );
    return { ...loop, copies: { a: w!, b: w!, c: identity(w!) }, large: add(large, w!) };
  };
  return compileProgram("test", trace(fn as (x: unknown) => TensorTree, types));
}

const inputs = { w: sample([3]), xs: sample([4, 2, 3], { seed: 2 }), unused: host("int32", [2], [1, 2]) };

it("the same function compiles to the same bytes, whatever was traced before", () => {
  const first = compile();
  trace((x: unknown) => add(x as Tensor, 1), { dtype: "float", shape: [] } as TensorType);
  expect(compile().hash).toBe(first.hash);
});

it("a program is plain data: a structured clone runs to the same result", async () => {
  const program = compile();
  const run = async (p: typeof program) => (await interpreter().load(p)).run(inputs);
  expect(await run(structuredClone(program))).toEqual(await run(program));
});

it("outputs may repeat inputs and each other, and are fresh on every executor", async () => {
  for (const executor of [interpreter(), await onnxruntimeNode()]) {
    const narrow = (t: (typeof inputs)["w"]) =>
      t.dtype === "float" && executor.float === "float32" ? { ...t, data: Float32Array.from(t.data) } : t;
    const fed = { w: narrow(inputs.w), xs: narrow(inputs.xs), unused: inputs.unused };
    const executable = await executor.load(compile());
    const first = await executable.run(fed);
    for (const copy of ["a", "b", "c"])
      expect(Array.from(first[`copies/${copy}`]!.data)).toEqual(Array.from(fed.w.data));
    first["copies/a"]!.data.fill(7);
    const again = await executable.run(fed);
    expect(Array.from(again["copies/a"]!.data)).toEqual(Array.from(inputs.w.data));
    expect(again["outputs/loss"]!.shape).toEqual([4]);
    expect(again["large"]!.shape).toEqual([100, 3]);
    await executable.release();
  }
});

it("inputs that do not fit are refused with their name", async () => {
  for (const executor of [interpreter(), await onnxruntimeNode()]) {
    const executable = await executor.load(compile());
    const { w: _w, ...missing } = inputs;
    await expect(executable.run(missing)).rejects.toThrow(/input w\); received nothing; expected float\[3\]/);
    await expect(executable.run({ ...inputs, w: host("int32", [3], [1, 2, 3]) })).rejects.toThrow(/does not fit/);
    await expect(executable.run({ ...inputs, w: sample([4]) })).rejects.toThrow(/another extent/);
    const short = { dtype: "float", shape: [3], data: new Float32Array(2) } as const;
    await expect(executable.run({ ...inputs, w: short })).rejects.toThrow(/do not fill its shape/);
    await executable.release();
  }
});

it("an extent that is a multiple is compared with the symbol, whatever comes first", async () => {
  const types = { a: { dtype: "float", shape: ["4*N"] }, b: { dtype: "float", shape: ["N"] } } as const;
  const program = compileProgram(
    "multiple",
    trace(({ a, b }) => add(mean(a), mean(b)), types),
  );
  const of = (n: number) => ({ dtype: "float", shape: [n], data: new Float32Array(n).fill(1) }) as const;
  for (const executor of [interpreter(), await onnxruntimeNode()]) {
    const executable = await executor.load(program);
    expect(Object.values(await executable.run({ a: of(8), b: of(2) }))[0]!.data[0]).toBe(2);
    await expect(executable.run({ a: of(5), b: of(2) })).rejects.toMatchObject({ code: "executor/input" });
    await expect(executable.run({ a: { ...of(8), data: new Int32Array(8) }, b: of(2) })).rejects.toThrow(/array type/);
    await executable.release();
  }
});

it("branches, second derivatives and convolutions compile to the same bytes too", () => {
  const make = () => {
    const types = { x: { dtype: "float", shape: ["N", 2, 8, 8] }, w: { dtype: "float", shape: [2, 2, 3, 3] } } as const;
    const fn = ({ x, w }: { x: Tensor; w: Tensor }) => {
      const loss = (v: Tensor) => mean(square(conv2d(x, v, { padding: 1 })));
      const second = valueAndGrad((v) => sum(square(valueAndGrad(loss, v).gradients)), w);
      return cond(
        greater(second.value, 1),
        () => mul(second.gradients, 0.5),
        () => second.gradients,
      );
    };
    return compileProgram("conditional", trace(fn as (x: unknown) => Tensor, types)).hash;
  };
  const first = make();
  compile();
  expect(make()).toBe(first);
});

it("refuses an invalid dimension", () => {
  for (const dim of [-1, 1.5, Number.NaN, "", "2", "N M", "0*N"]) {
    expect(() => trace((x: unknown) => mul(x as Tensor, 2), { dtype: "float", shape: [dim] } as TensorType)).toThrow(
      /invalid dimension/,
    );
  }
});

it("an operator outside the table is refused", () => {
  const { graph } = compile();
  const forged = { ...graph, nodes: graph.nodes.map((n) => (n.operator === "scan" ? { ...n, operator: "eval" } : n)) };
  expect(() => deserializeGraph(forged)).toThrow(/received eval/);
});

it("a value of another trace is refused", () => {
  let leaked: Tensor | undefined;
  trace(
    (x: unknown) => {
      leaked = mul(x as Tensor, 2);
      return leaked;
    },
    { dtype: "float", shape: [] } as TensorType,
  );
  const graph = trace((x: unknown) => add(x as Tensor, leaked!), { dtype: "float", shape: [] } as TensorType);
  expect(() => compileProgram("leak", graph)).toThrow(/comes from outside this graph/);
});
