import { type ChildProcess, fork } from "node:child_process";
import type { TrainTest } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { Deadline } from "./deadline.ts";
import type { LoadOrder, LoadRequest, ProcessMessage } from "./load-messages.ts";
import { ReceivedData } from "./received-data.ts";

/** Time for loading a data set, beside what its files allow: see `file-access.ts`. */
const LOADING_MS = 20_000;
/** JavaScript heap of the reader; arrays of numbers are outside of it, and bounded by `readerLimits`. */
const HEAP_MIB = 3_072;

export interface ApartOptions {
  /** Aborted: loading ends at once. */
  readonly signal?: AbortSignal | undefined;
  /** Default: 20,000. */
  readonly loadingMs?: number;
  /** Default: 3,072. */
  readonly heapMiB?: number;
  /** What the thread that reads runs; default: `load-worker.ts`. */
  readonly script?: URL;
}

// the compiled package has .js files beside each other
const isSource = import.meta.url.endsWith(".ts");
const loadProcess = new URL(isSource ? "./load-process.ts" : "./load-process.js", import.meta.url);
const loadWorker = new URL(isSource ? "./load-worker.ts" : "./load-worker.js", import.meta.url);

/**
 * Reads foreign files in a process of its own, which is killed when it takes too long or too much memory, or when the
 * operator interrupts.
 *
 * @returns undefined where no folder has the published data set
 * @throws errors of the readers, `data/timeout`, `data/memory`, `run/interrupted`
 */
export async function loadApart(request: LoadRequest, options: ApartOptions = {}): Promise<TrainTest | undefined> {
  const { signal, loadingMs = LOADING_MS, heapMiB = HEAP_MIB, script = loadWorker } = options;
  if (signal?.aborted === true) throw interrupted(request);
  const child = fork(loadProcess, {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    execArgv: [],
  });
  const deadline = new Deadline(loadingMs);
  let onAbort: (() => void) | undefined;
  try {
    const order: LoadOrder = { request, heapMiB, script: script.href };
    child.send(order, (error) => error && child.kill("SIGKILL"));
    return await new Promise<TrainTest | undefined>((resolve, reject) => {
      onAbort = () => reject(interrupted(request));
      signal?.addEventListener("abort", onAbort);
      deadline.onMissed = (allowedMs) => reject(tooSlow(request, allowedMs));
      const received = new ReceivedData();
      child.on("message", (message: ProcessMessage) => {
        if (message.type === "started") deadline.start();
        else if (message.type === "allow") deadline.extend(message.milliseconds);
        else if (message.type === "refused") reject(new AnabranchError(message.failure));
        else if (message.type === "failed") reject(message.error);
        else if (message.type === "memory") reject(tooMuchMemory(request, heapMiB));
        else if (message.type === "done") resolve(received.finish());
        else received.take(message);
      });
      child.on("error", reject);
      child.on("exit", (code, killedBy) => reject(ended(request, code, killedBy, heapMiB)));
    });
  } finally {
    deadline.end();
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    kill(child);
  }
}

/** Without it the parent would not end: a process that hangs keeps its channel open. */
function kill(child: ChildProcess): void {
  child.kill("SIGKILL");
  if (child.connected) child.disconnect();
}

function placeOf(request: LoadRequest): string {
  return request.kind === "local" ? `${request.from.kind}:${request.from.path}` : `data set ${request.name}`;
}

/** Why a process may end without an answer: Ctrl-C in a terminal reaches it too, and V8 aborts it when memory is short. */
function ended(request: LoadRequest, code: number | null, killedBy: NodeJS.Signals | null, heapMiB: number): Error {
  if (killedBy === "SIGINT" || killedBy === "SIGTERM" || killedBy === "SIGHUP") return interrupted(request);
  if (killedBy !== null || code === 134) return tooMuchMemory(request, heapMiB);
  return new Error(`the process that reads data ended with exit code ${code}`);
}

function interrupted(request: LoadRequest): AnabranchError {
  return new AnabranchError({
    code: "run/interrupted",
    message: "interrupted while the data set was loading",
    where: placeOf(request),
  });
}

function tooSlow(request: LoadRequest, allowedMs: number): AnabranchError {
  return new AnabranchError({
    code: "data/timeout",
    message: "a data set takes too long to read",
    where: placeOf(request),
    received: `no end within ${Math.round(allowedMs / 1000)} s`,
    expected: "20 s, 2 s per MiB of its files and 20 ms per file",
    advice: "The file may be made to take long. If you trust it, convert it, or load it with a module of your own.",
  });
}

function tooMuchMemory(request: LoadRequest, heapMiB: number): AnabranchError {
  return new AnabranchError({
    code: "data/memory",
    message: "a data set takes too much memory to read",
    where: placeOf(request),
    expected: `at most ${heapMiB.toLocaleString("en")} MiB of JavaScript heap`,
    advice: "Use a part of the data set, or load it with a module of your own (module:FILE).",
  });
}
