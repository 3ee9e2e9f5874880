import { expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import { interpreter } from "../executor/interpreter.ts";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import { type Traced, trace } from "../graph/trace.ts";
import { compileProgram } from "../program.ts";
import { exp, mul, relu } from "./elementwise.ts";
import { mean } from "./reductions.ts";

it("a traced function and its gradient run on both executors", async () => {
  const types = { w: { dtype: "float", shape: [3] }, x: { dtype: "float", shape: ["N", 3] } } as const;
  const graph = trace(({ w, x }: Traced<typeof types>) => {
    const { value, gradients } = valueAndGrad((v) => mean(relu(mul(exp(v.w), x))), { w });
    return { value, gradients };
  }, types);
  const program = compileProgram("smoke", graph);
  const w = [0.1, -0.2, 0.3];
  const x = [1, -2, 3, -4, 5, 6];
  const outputs = [];
  for (const executor of [interpreter(), await onnxruntimeNode()]) {
    const data = (values: number[]) =>
      executor.float === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    const executable = await executor.load(program);
    outputs.push(
      await executable.run({
        w: { dtype: "float", shape: [3], data: data(w) },
        x: { dtype: "float", shape: [2, 3], data: data(x) },
      }),
    );
    await executable.release();
  }
  const expected = [Math.exp(0.1) / 6, (5 * Math.exp(-0.2)) / 6, (9 * Math.exp(0.3)) / 6];
  for (const output of outputs) {
    expect(Array.from(output["gradients/w"]!.data)).toEqual(expected.map((v) => expect.closeTo(v, 5)));
  }
  expect(outputs[0]!["value"]!.data[0]).toBeCloseTo(
    expected.reduce((a, b) => a + b),
    12,
  );
});
