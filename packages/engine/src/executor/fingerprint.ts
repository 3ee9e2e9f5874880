import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { hashBytes } from "../hash.ts";
import { tanh } from "../ops/activations.ts";
import { sum } from "../ops/broadcast.ts";
import { conv2d } from "../ops/convolution.ts";
import { exp, mul } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { compileProgram } from "../program/program.ts";
import type { Executor } from "./executor.ts";

/**
 * Hash of a fixed probe program's outputs. Kernels differ by processor and runtime: two executors with the same name,
 * version and fingerprint are taken to give the same bits. An executor is probed once.
 *
 * @example
 * ```ts
 * import { fingerprint, interpreter } from "@anabranch/engine";
 * (await fingerprint(interpreter())).length; // => 16
 * ```
 */
export function fingerprint(executor: Executor): Promise<string> {
  let known = fingerprints.get(executor);
  if (known === undefined) {
    known = probe(executor);
    fingerprints.set(executor, known);
    known.catch(() => fingerprints.delete(executor)); // whoever asks next may have more luck
  }
  return known;
}

const fingerprints = new WeakMap<Executor, Promise<string>>();

async function probe(executor: Executor): Promise<string> {
  const graph = trace(
    ({ a, b, image, kernel }) => ({
      product: matmul(a, b),
      curve: mul(tanh(a), exp(mul(a, 0.5))),
      total: sum(exp(matmul(a, b, { transposeA: true }))),
      convolved: conv2d(image, kernel),
    }),
    {
      a: { dtype: "float", shape: [37, 37] },
      b: { dtype: "float", shape: [37, 37] },
      image: { dtype: "float", shape: [2, 3, 11, 11] },
      kernel: { dtype: "float", shape: [5, 3, 3, 3] },
    },
  );
  const executable = await executor.load(compileProgram("fingerprint", graph));
  const make = (seed: number, shape: readonly number[]): HostTensor => {
    const size = shape.reduce((x, y) => x * y, 1);
    const data = executor.float === "float64" ? new Float64Array(size) : new Float32Array(size);
    for (let i = 0, state = seed; i < size; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = (state >>> 16) / 65536 - 0.5;
    }
    return { dtype: "float", shape, data };
  };
  const outputs = await executable.run({
    a: make(1, [37, 37]),
    b: make(2, [37, 37]),
    image: make(3, [2, 3, 11, 11]),
    kernel: make(4, [5, 3, 3, 3]),
  });
  await executable.release();
  const hashes = Object.keys(outputs)
    .sort()
    .map((name) => {
      const { data } = outputs[name]!;
      return hashBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
  return hashBytes(new TextEncoder().encode(hashes.join("")));
}
