import type { Executor } from "./executor.ts";
import { importRuntime, onnxExecutor } from "./onnxruntime.ts";
import { disableTelemetry } from "./telemetry.ts";

/**
 * Native CPU execution. One thread per session, sequential: other thread counts change bits, so parallelism is worker
 * threads with a session each. `run` blocks its thread. The library's telemetry is off.
 *
 * @throws AnabranchError `executor/missing-package`; `executor/telemetry` as `disableTelemetry`
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
