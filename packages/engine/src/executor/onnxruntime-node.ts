import type { Executor } from "./executor.ts";
import { importRuntime, onnxExecutor } from "./onnxruntime.ts";
import { disableTelemetry } from "./telemetry.ts";

/**
 * Native CPU execution. One thread per session, sequential: other thread counts change bits, so parallelism is worker
 * threads with a session each. `run` blocks its thread. The library's telemetry is off.
 *
 * @throws AnabranchError `executor/missing-package`; `executor/telemetry` as `disableTelemetry`
 * @example
 * ```ts
 * import { compileProgram, mul, onnxruntimeNode, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
 * const executable = await (await onnxruntimeNode()).load(compileProgram("double", graph));
 * const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float32Array.of(1, 2) } });
 * y!.data; // => [2, 4]
 * ```
 */
export async function onnxruntimeNode(): Promise<Executor> {
  disableTelemetry();
  const runtime = await importRuntime("onnxruntime-node", () => import("onnxruntime-node"));
  return onnxExecutor("onnxruntime-node", runtime, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
}
