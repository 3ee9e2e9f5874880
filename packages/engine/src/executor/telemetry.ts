import { AnabranchError } from "../errors.ts";

/** ONNX Runtime reads it once per process, when the first session is created. */
const SWITCH = "ORT_DISABLE_TELEMETRY";

/** True once this thread knows that the switch is set. */
let disabled = false;

/**
 * Turns the telemetry of ONNX Runtime's native library off for this process. Left on, the library stores a device id in
 * the user's cache folder and queues events for its vendor (docs/Privacy.md of ONNX Runtime). `onnxruntimeNode` calls
 * this. A program that opens executors only in worker threads of its own calls it on the main thread first, because
 * a worker's `process.env` is a copy that native code does not see.
 *
 * @throws AnabranchError `executor/telemetry` where the environment of the process cannot be changed from here
 * @example
 * ```ts
 * import { disableTelemetry, onnxruntimeNode } from "@anabranch/engine";
 * disableTelemetry(); // on the main thread, before worker threads open an executor
 * (await onnxruntimeNode()).name; // => "onnxruntime-node"
 * ```
 */
export function disableTelemetry(): void {
  if (disabled || typeof process === "undefined") return;
  // Node's own object stores strings; a plain copy, as test runners make, keeps the number and changes nothing else
  const environment: Record<string, unknown> = process.env;
  environment[SWITCH] = 1;
  const isNodes = environment[SWITCH] === "1";
  environment[SWITCH] = "1";
  const { isMainThread } = process.getBuiltinModule("node:worker_threads");
  if (!isNodes || !(isMainThread || isInProcess())) throw unreachable(isMainThread);
  disabled = true;
}

/** Whether native code sees the switch, by Node's own report of the process. */
function isInProcess(): boolean {
  const { report } = process;
  const { excludeEnv = false, excludeNetwork = false }: { excludeEnv?: boolean; excludeNetwork?: boolean } = report;
  // with the network excluded Node looks up no names of open sockets
  Object.assign(report, { excludeEnv: false, excludeNetwork: true });
  try {
    const found = report.getReport();
    const variables = "environmentVariables" in found ? found.environmentVariables : undefined;
    return new Map(Object.entries(variables ?? {})).get(SWITCH) === "1";
  } finally {
    Object.assign(report, { excludeEnv, excludeNetwork });
  }
}

function unreachable(isMainThread: boolean): AnabranchError {
  return new AnabranchError({
    code: "executor/telemetry",
    message: "the telemetry of ONNX Runtime cannot be turned off from here",
    where: isMainThread ? "a process whose process.env was replaced" : "a worker thread",
    expected: `${SWITCH}=1 in the environment of the process`,
    advice: `Call disableTelemetry() of @anabranch/engine on the main thread first, or start the process with ${SWITCH}=1.`,
  });
}
