import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "../messages.ts";

/** A worker that dies of every task. */
parentPort!.on("message", (message: ToWorker) => {
  if ("id" in message) process.exit(1);
  if (message.type === "close") parentPort!.close();
});
parentPort!.postMessage({ type: "ready" } satisfies FromWorker);
