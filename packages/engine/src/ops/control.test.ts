import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import type { Executor, HostTensors } from "../executor/executor.ts";
import { interpreter } from "../executor/interpreter.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import { graphNodes } from "../graph/traversal.ts";
import type { HostTensor, TensorType } from "../graph/types.ts";
import { compileProgram } from "../program/program.ts";
import { optimize } from "../rewrite/optimize.ts";
import { checkExecutor, host, sample } from "../testing/check.ts";
import { tanh } from "./activations.ts";
import { sum } from "./broadcast.ts";
import { greater } from "./comparison.ts";
import { cond, scan } from "./control.ts";
import { add, exp, mul, square, sub } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { mean } from "./reductions.ts";
import { cast } from "./selection.ts";

type Inputs = Record<string, Tensor>;

/** One SGD step on a tiny regression with uint8 features gathered by index: the shape of a client's local work. */
function sgdStep(w: Tensor, batch: Tensor, rate: Tensor, data: Tensor): { w: Tensor; loss: Tensor } {
  const rows = mul(cast(gather(data, batch), "float"), 1 / 255);
  const { value, gradients } = valueAndGrad((v) => mean(square(sub(sum(mul(rows, tanh(v.w)), [1]), 0.5))), { w });
  return { w: sub(w, mul(rate, gradients.w)), loss: value };
}

const data = host("uint8", [6, 3], [3, 200, 41, 90, 12, 255, 7, 77, 177, 0, 1, 2, 128, 64, 32, 250, 240, 230]);
const w = sample([3]);
const batches = host("int32", [4, 2], [0, 1, 2, 3, 5, 4, 1, 5]);
const rates = host("float", [4], [0.5, 0.25, 0.125, 0.5]);
const shapes = { data: ["N", 3], batches: ["K", "B"], rates: ["K"] };

const local = ({ w, data, batches, rates }: Inputs): TensorTree => {
  const { carry, outputs } = scan(
    (c, s: { batch: Tensor; rate: Tensor }) => {
      const step = sgdStep(c.w, s.batch, s.rate, data!);
      return { carry: { w: step.w }, output: { loss: step.loss } };
    },
    { w: w! },
    { batch: batches!, rate: rates! },
  );
  return { w: carry.w, losses: outputs.loss };
};

function narrow(executor: Executor, t: HostTensor): HostTensor {
  return t.dtype === "float" && executor.float === "float32" ? { ...t, data: Float32Array.from(t.data) } : t;
}

async function execute(executor: Executor, fn: (i: Inputs) => TensorTree, inputs: Record<string, HostTensor>) {
  const types = Object.fromEntries(
    Object.entries(inputs).map(([k, t]): [string, TensorType] => [k, { dtype: t.dtype, shape: t.shape }]),
  );
  const executable = await executor.load(compileProgram("test", trace(fn as (x: unknown) => TensorTree, types)));
  const run = async (values: Record<string, HostTensor>): Promise<HostTensors> =>
    executable.run(Object.fromEntries(Object.entries(values).map(([k, t]) => [k, narrow(executor, t)])));
  return { run, release: () => executable.release() };
}

describe("scan", () => {
  it.each(["interpreter", "onnxruntime-node"])("equals stepping bit for bit on %s", async (name) => {
    const executor = name === "interpreter" ? interpreter() : await onnxruntimeNode();
    const whole = await execute(executor, local, { w, data, batches, rates });
    const scanned = await whole.run({ w, data, batches, rates });
    await whole.release();
    const batch = (k: number) => host("int32", [2], batches.data.slice(2 * k, 2 * k + 2));
    const rate = (k: number) => host("float", [], [rates.data[k]!]);
    const step = await execute(
      executor,
      ({ w, data, batch, rate }: Inputs): TensorTree => ({ ...sgdStep(w!, batch!, rate!, data!) }),
      { w, data, batch: batch(0), rate: rate(0) },
    );
    let current = w;
    const losses: number[] = [];
    for (let k = 0; k < 4; k++) {
      const next = await step.run({ w: current, data, batch: batch(k), rate: rate(k) });
      current = next["w"]!;
      losses.push(next["loss"]!.data[0]!);
    }
    await step.release();
    expect(Array.from(scanned["w"]!.data)).toEqual(Array.from(current.data));
    expect(Array.from(scanned["losses"]!.data)).toEqual(losses);
  });

  it("runs with symbolic steps, batch and data", async () => {
    await checkExecutor("scan of SGD steps", local, { w, data, batches, rates }, { shapes });
  });

  it("refuses to run no step at all", async () => {
    const none = { w, data, batches: host("int32", [0, 2], []), rates: host("float", [0], []) };
    await expect(checkExecutor("scan of no steps", local, none, { shapes })).rejects.toThrow(/no step/);
  });

  it("computes what does not depend on the loop once, outside", () => {
    const graph = optimize(
      trace(
        ({ a, xs }: Inputs): TensorTree => {
          const { carry } = scan(
            (c: { s: Tensor }, s: { x: Tensor }) => ({
              carry: { s: add(c.s, mul(s.x, exp(square(a!)))) },
              output: {},
            }),
            { s: constant(0) },
            { x: xs! },
          );
          return carry;
        },
        { a: { dtype: "float", shape: [] }, xs: { dtype: "float", shape: ["K"] } } as Record<string, TensorType>,
      ),
    );
    const names = graphNodes(graph).map((n) => n.operator.name);
    expect(names).toContain("exp");
    const body = graphNodes(graph).find((n) => n.operator.name === "scan")!.bodies[0]!;
    expect(graphNodes(body).map((n) => n.operator.name)).not.toContain("exp");
  });

  it("nests, with captures at both levels", async () => {
    const nested = ({ w, outer, inner }: Inputs): TensorTree => {
      const { carry, outputs } = scan(
        (c: { w: Tensor }, o: { scale: Tensor }) => {
          const shifted = mul(w!, o.scale);
          const loop = scan(
            (d: { w: Tensor }, i: { x: Tensor }) => {
              const next = tanh(add(mul(d.w, o.scale), add(shifted, mul(i.x, c.w))));
              return { carry: { w: next }, output: { norm: sum(square(next)) } };
            },
            { w: c.w },
            { x: inner! },
          );
          return { carry: loop.carry, output: loop.outputs };
        },
        { w: w! },
        { scale: outer! },
      );
      return { w: carry.w, norms: outputs.norm };
    };
    const inputs = { w, outer: sample([3], { seed: 8 }), inner: sample([2, 3], { seed: 9 }) };
    await checkExecutor("nested scan", nested, inputs);
    await checkExecutor("nested scan, symbolic", nested, inputs, { shapes: { outer: ["K"], inner: ["J", 3] } });
  });

  it("passes carries, slices, captures and constants straight through", async () => {
    const fn = ({ w, xs }: Inputs): TensorTree => {
      const { carry, outputs } = scan(
        (c: { a: Tensor; b: Tensor }, s: { x: Tensor }) => ({
          carry: { a: c.b, b: c.a },
          output: { slice: s.x, capture: w!, constant: constant([1, 2]), carry: c.a },
        }),
        { a: w!, b: mul(w!, 2) },
        { x: xs! },
      );
      return { carry, outputs };
    };
    await checkExecutor("scan passing through", fn, { w, xs: sample([3, 2]) });
  });

  it("refuses a carry that changes its type, and a gradient", () => {
    const xs = { dtype: "float", shape: [4] } as const;
    const types: Record<string, TensorType> = { xs };
    const changing = ({ xs }: Inputs): TensorTree =>
      scan(() => ({ carry: { s: xs! }, output: {} }), { s: constant(0) }, { x: xs! }).carry;
    expect(() => trace(changing as (x: unknown) => TensorTree, types)).toThrow(/carry "s" changes its type/);
    const differentiated = ({ xs }: Inputs): TensorTree =>
      valueAndGrad(
        (v) => scan((c, s) => ({ carry: { s: add(c.s, s.x) }, output: {} }), { s: constant(0) }, { x: v.xs }).carry.s,
        { xs: xs! },
      ).gradients;
    expect(() => trace(differentiated as (x: unknown) => TensorTree, types)).toThrow(/scan has no gradient/);
  });
});

describe("cond", () => {
  const branching = ({ x, limit }: Inputs): TensorTree => {
    const squared = square(x!);
    return cond(
      greater(sum(x!), limit!),
      () => ({ y: add(squared, exp(x!)), z: x! }),
      () => ({ y: squared, z: constant([1, 2, 3]) }),
    );
  };

  it.each([-100, 100])("takes the branch for the limit %d", async (limit) => {
    await checkExecutor("cond", branching, { x: sample([3]), limit: host("float", [], [limit]) });
  });

  it("works inside a scan, and with a gradient inside a branch", async () => {
    const fn = ({ w, flags }: Inputs): TensorTree => {
      const { carry, outputs } = scan(
        (c: { w: Tensor }, s: { flag: Tensor }) => {
          const next = cond(
            s.flag,
            () => ({
              w: sub(c.w, mul(0.1, valueAndGrad((v) => sum(square(tanh(mul(v.w, w!)))), { w: c.w }).gradients.w)),
            }),
            () => ({ w: c.w }),
          );
          return { carry: next, output: { total: sum(next.w) } };
        },
        { w: w! },
        { flag: flags! },
      );
      return { w: carry.w, totals: outputs.total };
    };
    const inputs = { w, flags: host("bool", [4], [1, 0, 1, 1]) };
    await checkExecutor("cond in scan", fn, inputs);
    await checkExecutor("cond in scan, symbolic", fn, inputs, { shapes: { flags: ["K"] } });
  });

  it("may hold a scan", async () => {
    const fn = ({ x, on }: Inputs): TensorTree =>
      cond(
        on!,
        () =>
          scan(
            (c: { s: Tensor }, i: { v: Tensor }) => ({ carry: { s: add(mul(c.s, sum(x!)), i.v) }, output: {} }),
            { s: constant(0) },
            { v: x! },
          ).carry,
        () => ({ s: constant(7) }),
      );
    for (const on of [0, 1])
      await checkExecutor(`scan in cond ${on}`, fn, { x: sample([3]), on: host("bool", [], [on]) });
  });

  it("refuses a predicate that is no bool scalar", () => {
    const branch = (v: Tensor) =>
      cond(
        v,
        () => constant(1),
        () => constant(2),
      );
    expect(() => trace(branch, { dtype: "float", shape: [] } as const)).toThrow(/expected bool\[\]/);
    expect(() => trace(branch, { dtype: "bool", shape: [1] } as const)).toThrow(/expected bool\[\]/);
  });

  it("refuses branches of another structure", () => {
    const types: Record<string, TensorType> = { on: { dtype: "bool", shape: [] } };
    const fn = ({ on }: Inputs): TensorTree =>
      cond<TensorTree>(
        on!,
        () => ({ a: constant(1) }),
        () => ({ b: constant(1) }),
      );
    expect(() => trace(fn as (x: unknown) => TensorTree, types)).toThrow(/differ in structure/);
    const shapes = ({ on }: Inputs): TensorTree =>
      cond(
        on!,
        () => ({ a: constant(1) }),
        () => ({ a: constant([1, 2]) }),
      );
    expect(() => trace(shapes as (x: unknown) => TensorTree, types)).toThrow(/result "a" changes its type/);
  });
});
