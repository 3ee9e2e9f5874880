import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { trace } from "../graph/trace.ts";
import { add, mul } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { compileProgram } from "../program/program.ts";
import { interpreter } from "./interpreter.ts";
import { onnxruntimeNode } from "./onnxruntime-node.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const size = 256;
const program = compileProgram(
  "sessions",
  trace(({ a, b }) => ({ product: matmul(a, b), sum: add(mul(a, 2), b) }), {
    a: { dtype: "float", shape: [size, size] },
    b: { dtype: "float", shape: [size, size] },
  } as const),
);
const matrix = () => ({ dtype: "float", shape: [size, size], data: new Float32Array(size * size).fill(0.5) }) as const;

/** Megabytes of the process that `work` leaves behind, done `count` times after a start of `count / 4`. */
async function growth(count: number, work: () => Promise<void>): Promise<number> {
  const repeat = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await work();
      if (i % 50 === 49) collect();
    }
    collect();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const before = await repeat(Math.ceil(count / 4));
  return (await repeat(count)) - before;
}

it("1,000 runs of a session leave no memory behind", async () => {
  const executable = await (await onnxruntimeNode()).load(program);
  const inputs = { a: matrix(), b: matrix() };
  const grown = await growth(1000, async () => {
    await executable.run(inputs);
  });
  await executable.release();
  // the outputs of 1,000 runs take 500 MB
  expect(grown).toBeLessThan(40);
});

it("released sessions leave no memory behind", async () => {
  const executor = await onnxruntimeNode();
  const inputs = { a: matrix(), b: matrix() };
  const grown = await growth(400, async () => {
    const executable = await executor.load(program);
    await executable.run(inputs);
    await executable.release();
  });
  // an arena of a session that is not released holds 1 MB or more
  expect(grown).toBeLessThan(40);
});

it("a released program says so; releasing twice is no mistake", async () => {
  const executable = await (await onnxruntimeNode()).load(program);
  await executable.release();
  await executable.release();
  await expect(executable.run({ a: matrix(), b: matrix() })).rejects.toMatchObject({ code: "executor/released" });
});

it("the same inputs give the same bits, in one session and in another", async () => {
  for (const executor of [interpreter(), await onnxruntimeNode()]) {
    const data = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
    const inputs = { a: { ...matrix(), data }, b: { ...matrix(), data: data.toReversed() } };
    const run = async () => {
      const executable = await executor.load(program);
      const [first, second] = [await executable.run(inputs), await executable.run(inputs)];
      await executable.release();
      expect(second).toEqual(first);
      return first;
    };
    expect(await run()).toEqual(await run());
  }
});
