import type { Worker } from "node:worker_threads";

/**
 * Threads that were given up and have not ended. A thread in native code cannot be ended from outside: Node waits for
 * the call and then aborts the process (ONNX Runtime's binding cannot answer to a thread that ends), also where the
 * process itself is to end.
 */
const left = new Set<Worker>();

/** Gives a thread up: it may compute on, but the process need not wait for it. */
export function leaveBehind(worker: Worker): void {
  if (left.has(worker)) return;
  left.add(worker);
  worker.once("exit", () => left.delete(worker));
  worker.unref();
}

/** How many threads still compute for nobody; with any, a process should end as `endAtOnce` does. */
export function threadsLeftBehind(): number {
  return left.size;
}
