import type { Executor } from "./executor.ts";
import { importRuntime, onnxExecutor } from "./onnxruntime.ts";

/** WebAssembly execution for browsers (and Node, as a fallback), one thread. */
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
