import { parentPort, workerData } from "node:worker_threads";
import { ExecutorService, type FromExecutor, failureOf, type ToExecutor } from "@anabranch/core/live";
import { openExecutorOrFallback } from "../executors.ts";

/** Runs programs for another thread. */
const port = parentPort!;
const post = (message: FromExecutor, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const opened = openExecutorOrFallback(workerData as string);
opened.then(
  ({ executor: { name, version, float }, warning }) =>
    post({ type: "ready", name, version, float, warning: warning?.message }),
  (error: unknown) => {
    post({ type: "broken", failure: failureOf(error) });
    port.close();
  },
);
const service = new ExecutorService(
  opened.then(({ executor }) => executor),
  post,
);
port.on("message", (message: ToExecutor) => service.receive(message));
