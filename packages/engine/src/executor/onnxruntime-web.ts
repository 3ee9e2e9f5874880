import type { Executor } from "./executor.ts";
import { importRuntime, onnxExecutor } from "./onnxruntime.ts";

/**
 * WebAssembly execution for browsers (and Node, as a fallback), one thread.
 *
 * @example
 * ```ts
 * import { compileProgram, mul, onnxruntimeWeb, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
 * const executable = await (await onnxruntimeWeb()).load(compileProgram("double", graph));
 * const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float32Array.of(1, 2) } });
 * y!.data; // => [2, 4]
 * ```
 */
export async function onnxruntimeWeb(): Promise<Executor> {
  const runtime = await importRuntime("onnxruntime-web", () => import("onnxruntime-web"));
  const wasm = (runtime.env as unknown as { wasm: { numThreads: number } }).wasm;
  wasm.numThreads = 1;
  return onnxExecutor("onnxruntime-web", runtime, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
}
