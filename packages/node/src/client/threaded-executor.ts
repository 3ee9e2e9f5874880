import { Worker } from "node:worker_threads";
import {
  AnabranchError,
  disableTelemetry,
  type Executable,
  type Executor,
  type HostTensors,
  type Program,
} from "@anabranch/engine";
import { abandonThread } from "../workers/abandoned-threads.ts";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";

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

type Ready = Extract<FromExecutor, { type: "ready" }>;

/**
 * Starts a thread with an executor, or with WebAssembly where the native one is missing. Results are those of the executor.
 *
 * @throws as `openExecutorOrFallback`
 */
export async function openThreadedExecutor(name: string): Promise<ThreadedExecutor> {
  disableTelemetry(); // a thread cannot change the environment of the process
  const thread = new ExecutorThread(name);
  const { version, float, warning, name: opened } = await thread.ready;
  return {
    name: opened,
    version,
    float,
    warning,
    load: (program) => thread.load(program),
    close: () => thread.close(),
  };
}

/** A message without its number. */
type Unnumbered = ToExecutor extends infer M ? (M extends ToExecutor ? Omit<M, "id"> : never) : never;

class ExecutorThread {
  readonly ready: Promise<Ready>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, PromiseWithResolvers<HostTensors>>();
  #sent = 0;
  #lost: AnabranchError | undefined;
  #closed: Promise<void> | undefined;

  constructor(name: string) {
    this.#worker = new Worker(script, { workerData: name });
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    this.ready = promise;
    this.#worker.on("message", (message: FromExecutor) => {
      if (message.type === "ready") resolve(message);
      else if (message.type === "broken") reject(new AnabranchError(message.failure));
      else this.#settle(message);
    });
    const lost = (why: string) => {
      this.#lose(why);
      reject(this.#lost);
    };
    this.#worker.on("error", (error) => lost(error.message));
    this.#worker.on("exit", (code) => lost(`exit code ${code}`));
  }

  async load(program: Program): Promise<Executable> {
    const { id, done } = this.#send({ type: "load", program });
    await done;
    return {
      run: (inputs) => this.#send({ type: "run", executable: id, inputs }).done,
      release: async () => {
        if (this.#lost === undefined) await this.#send({ type: "release", executable: id }).done;
      },
    };
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    await this.#closed;
  }

  async #end(): Promise<void> {
    const computes = this.#pending.size > 0;
    this.#lose("the client has ended it");
    if (computes) abandonThread(this.#worker);
    else await this.#worker.terminate();
  }

  #send(message: Unnumbered): { readonly id: number; readonly done: Promise<HostTensors> } {
    const id = ++this.#sent;
    if (this.#lost !== undefined) return { id, done: Promise.reject(this.#lost) };
    const answer = Promise.withResolvers<HostTensors>();
    this.#pending.set(id, answer);
    this.#worker.postMessage({ ...message, id } satisfies ToExecutor);
    return { id, done: answer.promise };
  }

  #settle(message: Extract<FromExecutor, { id: number }>): void {
    const answer = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.type === "done") answer?.resolve(message.outputs);
    else answer?.reject(new AnabranchError(message.failure));
  }

  #lose(why: string): void {
    this.#lost ??= new AnabranchError({
      code: "executor/lost",
      message: "the thread that trains has ended",
      received: why,
      advice: "Start the client again. If this persists, there may be too little memory for the model.",
    });
    for (const answer of this.#pending.values()) answer.reject(this.#lost);
    this.#pending.clear();
  }
}
