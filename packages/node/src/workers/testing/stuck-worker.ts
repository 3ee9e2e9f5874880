import { getEnvironmentData, parentPort } from "node:worker_threads";
import type { ToWorker } from "../messages.ts";
import "../worker.ts"; // listens first: the task is taken before the thread hangs

/** How many tasks are still to hang, and 1 once they may go on. In shared memory, as the environment data "gate". */
const gate = new Int32Array(getEnvironmentData("gate") as SharedArrayBuffer);

/** A worker that hangs in a training task, as in a native call that does not return, until the test opens the gate. */
parentPort!.on("message", ({ type }: ToWorker) => {
  if (type !== "train" || Atomics.load(gate, 0) === 0) return;
  Atomics.sub(gate, 0, 1);
  Atomics.wait(gate, 1, 0);
});
