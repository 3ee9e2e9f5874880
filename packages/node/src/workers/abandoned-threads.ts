import type { Worker } from "node:worker_threads";

/**
 * Abandoned threads that have not ended. A thread in native code cannot be ended from outside: Node waits for
 * the call and then aborts the process (ONNX Runtime's binding cannot answer to a thread that ends), also where the
 * process itself is to end.
 */
const abandoned = new Set<Worker>();

/** Abandons a thread: it may compute on, but the process need not wait for it. */
export function abandonThread(worker: Worker): void {
  if (abandoned.has(worker)) return;
  abandoned.add(worker);
  worker.once("exit", () => abandoned.delete(worker));
  worker.unref();
}

/** How many threads still compute for nobody; with any, a process should end as `endAtOnce` does. */
export function abandonedThreads(): number {
  return abandoned.size;
}
