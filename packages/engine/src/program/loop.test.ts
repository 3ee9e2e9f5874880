import { describe, expect, it } from "vitest";
import type { Executor, HostTensors } from "../executor/executor.ts";
import { interpreter } from "../executor/interpreter.ts";
import { loadProgram } from "../executor/load-program.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, type TypeTree, trace } from "../graph/trace.ts";
import { scan } from "../ops/control.ts";
import { add, mul } from "../ops/elementwise.ts";
import { type HostKernelSchedule, type KernelCall, withPrefix } from "./host-kernels.ts";
import { compileLoop, type Loop, type LoopProgram } from "./loop.ts";
import { compileProgram } from "./program.ts";

/** total += x_k * root, a sum that the kernel inverts now and then: root = 1 / total. */
const loop: Loop = {
  begin: ({ start }) => ({ inner: { root: mul(start as Tensor, 0), total: start as Tensor } }),
  step(carry, slice, { scale }) {
    const { root, total } = (carry as { inner: Record<string, Tensor> }).inner;
    const { x } = slice as { x: Tensor };
    const next = add(total!, mul(mul(x, add(root!, 1)), scale as Tensor));
    return { carry: { inner: { root: root!, total: next } }, output: { seen: root! } };
  },
  end: (carry, outputs, { start }) => ({ carry, outputs, start: start as Tensor }),
};
const matrix = { dtype: "float", shape: [1, 1] } as const;
const types: Record<string, TypeTree> = {
  scale: { dtype: "float", shape: [] },
  start: matrix,
  steps: { x: { dtype: "float", shape: ["K", 1, 1] } },
  unused: { dtype: "int32", shape: ["M"] },
};
const invert: KernelCall = {
  kernel: "inverse-root",
  inputs: ["total"],
  outputs: ["root"],
  options: { order: 1, floor: 1e-9 },
};
const refreshes = (change: Partial<HostKernelSchedule> = {}): HostKernelSchedule =>
  withPrefix("inner", { first: 1, every: 2, ahead: false, initial: [invert], later: [invert], ...change })!;

const xs = [2, 1, 3, 0.5, 4, 1, 2];

/** The loop in plain numbers: what each step saw, and the end. */
function plain({ first, every, ahead }: HostKernelSchedule, steps: number): { seen: number[]; total: number } {
  let [root, total] = [0, 1];
  const seen: number[] = [];
  const next = (k: number) => total + xs[k]! * (root + 1) * 0.5;
  for (let k = 0; k < steps; k++) {
    if (k >= first && (k - first) % every === 0) root = 1 / (ahead ? next(k) : total);
    seen.push(root);
    total = next(k);
  }
  return { seen, total };
}

async function run(executor: Executor, refresh: HostKernelSchedule, steps: number): Promise<HostTensors> {
  const program = compileLoop("test", loop, types, "steps", refresh);
  const executable = await loadProgram(executor, structuredClone(program));
  const make = executor.float === "float64" ? Float64Array : Float32Array;
  const outputs = await executable.run({
    scale: { dtype: "float", shape: [], data: make.of(0.5) },
    start: { dtype: "float", shape: [1, 1], data: make.of(1) },
    "steps/x": { dtype: "float", shape: [steps, 1, 1], data: make.from(xs.slice(0, steps)) },
    unused: { dtype: "int32", shape: [2], data: Int32Array.of(1, 2) },
  });
  await executable.release();
  return outputs;
}

describe("a loop with host kernels", () => {
  const cases = [1, 2, 3, 4, 7].flatMap((steps) =>
    [
      refreshes(),
      refreshes({ first: 0 }),
      refreshes({ first: 0, every: 1, ahead: true }),
      refreshes({ first: 0, every: 3, ahead: true }),
      refreshes({ first: 3, every: 10 }),
    ].map((refresh) => ({ steps, refresh })),
  );

  it("renews entries on schedule, not after the last step", async () => {
    for (const executor of [interpreter(), await onnxruntimeNode()]) {
      for (const { steps, refresh } of cases) {
        const outputs = await run(executor, refresh, steps);
        const { seen, total } = plain(refresh, steps);
        const digits = executor.float === "float64" ? 13 : 5;
        expect(Array.from(outputs["outputs/seen"]!.data)).toEqual(seen.map((v) => expect.closeTo(v, digits)));
        expect(outputs["outputs/seen"]!.shape).toEqual([steps, 1, 1]);
        expect(outputs["carry/inner/total"]!.data[0]).toBeCloseTo(total, digits);
        expect(outputs["carry/inner/root"]!.data[0]).toBe(outputs["outputs/seen"]!.data.at(-1));
      }
    }
  });

  it("applies other kernels first than later, in their order", async () => {
    const square: KernelCall = { ...invert, options: { order: 2, floor: 1e-9 } };
    const again: KernelCall = { ...square, inputs: ["root"] };
    const outputs = await run(interpreter(), refreshes({ initial: [square, again], every: 1 }), 3);
    // total 2 after one step: 2^(-1/2), then its inverse root 2^(1/4); later 1 / total
    const root = 2 ** 0.25;
    const total = 2 + (root + 1) / 2;
    expect(Array.from(outputs["outputs/seen"]!.data)).toEqual([
      0,
      expect.closeTo(root, 13),
      expect.closeTo(1 / total, 13),
    ]);
  });

  it("has segments that take what they use and carry what steps change", () => {
    const { head, body, tail, inputs, sequences } = compileLoop(
      "test",
      loop,
      types,
      "steps",
      refreshes(),
    ) as LoopProgram;
    const names = (ports: readonly { name: string }[]) => ports.map((port) => port.name);
    expect(names(head.inputs)).toEqual(["start"]);
    expect(names(body.inputs)).toEqual(["loop/carry/inner/root", "loop/carry/inner/total", "scale", "steps/x"]);
    expect(names(body.outputs)).toEqual(["loop/carry/inner/total", "loop/outputs/seen"]);
    expect(names(tail.inputs)).not.toContain("steps/x");
    expect(names(inputs)).toEqual(["scale", "start", "steps/x", "unused"]);
    expect(sequences).toEqual(["steps/x"]);
  });

  it("has a hash of its segments, its schedule and its kernels", () => {
    const hash = (refresh: HostKernelSchedule) => compileLoop("test", loop, types, "steps", refresh).hash;
    expect(hash(refreshes())).toBe(hash(refreshes()));
    const other = { ...invert, options: { order: 2, floor: 1e-9 } };
    const all = [refreshes(), refreshes({ every: 3 }), refreshes({ ahead: true }), refreshes({ later: [other] })];
    expect(new Set(all.map(hash)).size).toBe(all.length);
  });

  it("refuses inputs that do not fit, before any segment runs", async () => {
    const executable = await loadProgram(interpreter(), compileLoop("test", loop, types, "steps", refreshes()));
    await expect(executable.run({})).rejects.toThrow(/program test, input scale\); received nothing/);
  });

  it("refuses kernels on entries that the carry does not have", () => {
    const misplaced = refreshes({ later: [{ ...invert, outputs: ["roots"] }] });
    expect(() => compileLoop("test", loop, types, "steps", misplaced)).toThrow(
      /received inner\/roots; expected inner\/root/,
    );
  });
});

it("a loop without kernels is one program with one scan", () => {
  const whole = trace((inputs) => {
    const { start, steps, scale } = inputs as unknown as { start: Tensor; steps: TensorTree; scale: Tensor };
    const step = (carry: TensorTree, slice: TensorTree) => loop.step(carry, slice, { scale });
    const { carry, outputs } = scan(step, loop.begin({ start }), steps);
    return loop.end(carry, outputs, { start });
  }, types as TypeTree);
  expect(compileLoop("test", loop, types, "steps")).toEqual(compileProgram("test", whole));
});
