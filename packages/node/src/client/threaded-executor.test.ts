import { compileProgram, fingerprint, interpreter, mul, sum, trace } from "@anabranch/engine";
import { afterEach, describe, expect, it } from "vitest";
import { openExecutor } from "../executors.ts";
import { openThreadedExecutor, type ThreadedExecutor } from "./threaded-executor.ts";

const opened: ThreadedExecutor[] = [];

afterEach(async () => {
  for (const executor of opened.splice(0)) await executor.close();
});

async function open(name: string) {
  const executor = await openThreadedExecutor(name);
  opened.push(executor);
  return executor;
}

const graph = trace(({ x }) => ({ total: sum(mul(x, x)), same: mul(x, 1) }), { x: { dtype: "float", shape: ["n"] } });
const program = compileProgram("squares", graph);
const numbers = (...values: number[]) => ({
  x: { dtype: "float" as const, shape: [values.length], data: Float32Array.from(values) },
});

describe("an executor in a thread", () => {
  it("gives the bits of the executor that it holds", async () => {
    const executor = await open("onnxruntime-node");
    const direct = await openExecutor("onnxruntime-node");
    const { name, version, float, warning } = executor;
    expect({ name, version, float, warning }).toEqual({
      name: direct.name,
      version: direct.version,
      float: direct.float,
      warning: undefined,
    });
    expect(await fingerprint(executor)).toBe(await fingerprint(direct));
  });

  it("leaves inputs untouched, and answers many runs in order", async () => {
    const executable = await (await open("onnxruntime-node")).load(program);
    const inputs = numbers(1, 2, 3);
    const results = await Promise.all([executable.run(inputs), executable.run(inputs), executable.run(numbers(4))]);
    expect(results.map(({ total }) => total!.data[0])).toEqual([14, 14, 16]);
    expect([...inputs.x.data]).toEqual([1, 2, 3]);
    await executable.release();
  });

  it("fails as the executor fails", async () => {
    const executor = await open("interpreter");
    const executable = await executor.load(program);
    const direct = await interpreter().load(program);
    const message = await direct.run({}).catch((error: Error) => error.message);
    await expect(executable.run({})).rejects.toMatchObject({ code: "executor/input", message });
    await expect(openThreadedExecutor("none")).rejects.toMatchObject({ code: "executor/unknown" });
  });

  it("that was closed runs nothing more", async () => {
    const executor = await open("interpreter");
    const executable = await executor.load(program);
    await executor.close();
    await executor.close();
    await expect(executable.run(numbers(1))).rejects.toMatchObject({ code: "executor/lost" });
    await executable.release();
  });
});
