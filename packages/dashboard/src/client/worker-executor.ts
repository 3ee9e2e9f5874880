import { AnabranchError, type Executable, type Executor, type HostTensors, type Program } from "@anabranch/engine";
import type { FromExecutor, ToExecutor } from "./executor-messages.ts";

/** An executor in a worker of its own: this one still answers the server while a program runs. */
export interface WorkerExecutor extends Executor {
  close(): void;
}

/** A message without its number. */
type Unnumbered = ToExecutor extends infer M ? (M extends ToExecutor ? Omit<M, "id"> : never) : never;

/** Starts the worker. Throws `executor/missing-package` where it cannot run WebAssembly, `executor/lost` where it ends. */
export async function openWorkerExecutor(): Promise<WorkerExecutor> {
  const worker = new Worker(new URL("./executor-worker.ts", import.meta.url), { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  const ready = Promise.withResolvers<Extract<FromExecutor, { type: "ready" }>>();
  const pending = new Map<number, PromiseWithResolvers<HostTensors>>();
  let sent = 0;
  let lost: AnabranchError | undefined;

  const lose = (why: string) => {
    lost ??= workerLost(why);
    ready.reject(lost);
    for (const answer of pending.values()) answer.reject(lost);
    pending.clear();
  };
  const send = (message: Unnumbered): { readonly id: number; readonly done: Promise<HostTensors> } => {
    const id = ++sent;
    if (lost !== undefined) return { id, done: Promise.reject(lost) };
    const answer = Promise.withResolvers<HostTensors>();
    pending.set(id, answer);
    port.postMessage({ ...message, id } satisfies ToExecutor);
    return { id, done: answer.promise };
  };
  const load = async (program: Program): Promise<Executable> => {
    const { id, done } = send({ type: "load", program });
    await done;
    return {
      run: (inputs) => send({ type: "run", executable: id, inputs }).done,
      release: async () => {
        if (lost === undefined) await send({ type: "release", executable: id }).done;
      },
    };
  };

  port.onmessage = ({ data }: MessageEvent<FromExecutor>) => {
    if (data.type === "ready") return ready.resolve(data);
    if (data.type === "broken") return ready.reject(new AnabranchError(data.failure));
    const answer = pending.get(data.id);
    pending.delete(data.id);
    if (data.type === "done") answer?.resolve(data.outputs);
    else answer?.reject(new AnabranchError(data.failure));
  };
  worker.onerror = (event) => lose(event.message || "its script cannot be loaded");
  worker.postMessage("port", [port2]);

  const { name, version, float } = await ready.promise;
  const close = () => {
    lose("the client has ended it");
    worker.terminate();
    port.close();
  };
  return { name, version, float, load, close };
}

function workerLost(why: string): AnabranchError {
  return new AnabranchError({
    code: "executor/lost",
    message: "the part of this page that trains has ended",
    received: why,
    advice: "Reload the page. If this persists, close other tabs: there may be too little memory for the model.",
  });
}
