import { Worker } from "node:worker_threads";
import { type FromExecutor, RemoteExecutor } from "@anabranch/core/live";
import { AnabranchError, disableTelemetry, type Executor } from "@anabranch/engine";
import { abandonThread } from "../workers/abandoned-threads.ts";

/** An executor in a thread of its own: this thread still answers the server while a program runs for hours. */
export interface ThreadedExecutor extends Executor {
  /** Set where another executor stands in for the one that was wanted. */
  readonly warning: string | undefined;
  /** Ends the thread. One that computes is given up, as it cannot be ended: the process then ends by `endDespiteThreads`. */
  close(): Promise<void>;
}

// the compiled package has .js files beside each other
const script = new URL(
  import.meta.url.endsWith(".ts") ? "./executor-worker.ts" : "./executor-worker.js",
  import.meta.url,
);

/**
 * Starts a thread with an executor, or with WebAssembly where the native one is missing. Results are those of the executor.
 *
 * @throws as `openExecutorOrFallback`
 */
export async function openThreadedExecutor(name: string): Promise<ThreadedExecutor> {
  disableTelemetry(); // a thread cannot change the environment of the process
  const thread = new ExecutorThread(name);
  const { version, float, warning, name: opened } = await thread.remote.ready;
  return {
    name: opened,
    version,
    float,
    warning,
    load: (program) => thread.remote.load(program),
    close: () => thread.close(),
  };
}

class ExecutorThread {
  readonly remote: RemoteExecutor;
  readonly #worker: Worker;
  #closed: Promise<void> | undefined;

  constructor(name: string) {
    this.#worker = new Worker(script, { workerData: name });
    this.remote = new RemoteExecutor((message) => this.#worker.postMessage(message));
    this.#worker.on("message", (message: FromExecutor) => this.remote.receive(message));
    this.#worker.on("error", (error) => this.remote.lose(threadLost(error.message)));
    this.#worker.on("exit", (code) => this.remote.lose(threadLost(`exit code ${code}`)));
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    await this.#closed;
  }

  async #end(): Promise<void> {
    const computes = this.remote.isBusy;
    this.remote.lose(threadLost("the client has ended it"));
    if (computes) abandonThread(this.#worker);
    else await this.#worker.terminate();
  }
}

function threadLost(received: string): AnabranchError {
  return new AnabranchError({
    code: "executor/lost",
    message: "the thread that trains has ended",
    received,
    advice: "Start the client again. If this persists, there may be too little memory for the model.",
  });
}
