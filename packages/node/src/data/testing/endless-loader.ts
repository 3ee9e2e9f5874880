/** Stands in for the thread that reads data, and meets what a hostile file would do to it. */
import { parentPort, workerData } from "node:worker_threads";
import type { LoadRequest, ThreadMessage } from "../load-messages.ts";

const post = (message: ThreadMessage) => parentPort!.postMessage(message);
const request = workerData as LoadRequest;

const path = request.kind === "local" ? request.from.path : "";
// Before the start, so that it counts however late the message is read.
if (path === "allowed") post({ type: "allow", milliseconds: 1e6 });
post({ type: "started" });
switch (path) {
  case "endless":
    for (;;);
  case "hungry": {
    const kept: number[][] = [];
    for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => i));
  }
  case "array": {
    // One array that grows without end, as a run of 2^31 values would make it.
    const values: number[] = [];
    for (let i = 0; ; i++) values[i] = i % 7;
  }
  case "allowed":
    setTimeout(() => post({ type: "refused", failure: { code: "data/empty", message: "in the end" } }), 300);
    break;
  case "ends":
    process.exit(3);
}
