import { type FromExecutor, RemoteExecutor } from "@anabranch/core/live";
import { AnabranchError, type Executor } from "@anabranch/engine";

/** An executor in a worker of its own: this one still answers the server while a program runs. */
export interface WorkerExecutor extends Executor {
  close(): void;
}

/** Starts the worker. Throws `executor/missing-package` where it cannot run WebAssembly, `executor/lost` where it ends. */
export async function openWorkerExecutor(): Promise<WorkerExecutor> {
  const worker = new Worker(new URL("./executor-worker.ts", import.meta.url), { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  const remote = new RemoteExecutor((message) => port.postMessage(message));
  port.onmessage = ({ data }: MessageEvent<FromExecutor>) => remote.receive(data);
  worker.onerror = (event) => remote.lose(workerLost(event.message || "its script cannot be loaded"));
  worker.postMessage("port", [port2]);

  const { name, version, float } = await remote.ready;
  const close = () => {
    remote.lose(workerLost("the client has ended it"));
    worker.terminate();
    port.close();
  };
  return { name, version, float, load: (program) => remote.load(program), close };
}

function workerLost(received: string): AnabranchError {
  return new AnabranchError({
    code: "executor/lost",
    message: "the part of this page that trains has ended",
    received,
    advice: "Reload the page. If this persists, close other tabs: there may be too little memory for the model.",
  });
}
