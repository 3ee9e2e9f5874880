import { parentPort, workerData } from "node:worker_threads";
import { AnabranchError, type Executable, type Failure, type HostTensors } from "@anabranch/engine";
import { openExecutorOrFallback } from "../executors.ts";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";

/** Runs programs for another thread, one after the other. */
const port = parentPort!;
const post = (message: FromExecutor, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const opened = openExecutorOrFallback(workerData as string);
const executables = new Map<number, Executable>();
let turn: Promise<void> = opened.then(
  ({ executor: { name, version, float }, warning }) =>
    post({ type: "ready", name, version, float, warning: warning?.message }),
  (error: unknown) => {
    post({ type: "broken", failure: failureOf(error) });
    port.close();
  },
);

port.on("message", (message: ToExecutor) => {
  turn = turn.then(() => answer(message));
});

async function answer(message: ToExecutor): Promise<void> {
  try {
    const outputs = await execute(message);
    post({ type: "done", id: message.id, outputs }, buffersOf(outputs));
  } catch (error) {
    post({ type: "failed", id: message.id, failure: failureOf(error) });
  }
}

async function execute(message: ToExecutor): Promise<HostTensors> {
  switch (message.type) {
    case "load":
      executables.set(message.id, await (await opened).executor.load(message.program));
      return {};
    case "run":
      return executables.get(message.executable)!.run(message.inputs);
    case "release":
      await executables.get(message.executable)?.release();
      executables.delete(message.executable);
      return {};
  }
}

/** Memory of outputs, which are fresh, that can be handed over; each once. */
function buffersOf(outputs: HostTensors): ArrayBuffer[] {
  const buffers = Object.values(outputs).map(({ data }) => data.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** A failure as data: an error's class does not survive the way to another thread. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof AnabranchError)) {
    return { code: "client/failed", message: error instanceof Error ? error.message : String(error) };
  }
  const { cause: _cause, ...failure } = error.failure;
  return failure;
}
