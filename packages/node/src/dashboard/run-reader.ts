import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { AnabranchError } from "@anabranch/engine";
import type { FromReader, Reader, ReadTask, ReadTasks } from "./read-tasks.ts";

// the compiled package has .js files beside each other
const script = new URL(
  import.meta.url.endsWith(".ts") ? "./reader-process.ts" : "./reader-process.js",
  import.meta.url,
);

/** What the process may take. */
interface ReaderLimits {
  /** Milliseconds for one task. */
  readonly deadlineMs: number;
  /** MiB of its objects. One line of a log may take a gigabyte for a moment. */
  readonly heapMiB: number;
}

const usualLimits: ReaderLimits = { deadlineMs: 60_000, heapMiB: 2048 };

/** The task that the process works on. */
interface Task {
  readonly id: number;
  resolve(output: ReadTasks[ReadTask]["output"]): void;
  reject(error: unknown): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Reads run folders in a process of its own: they may be large or made to hurt, and a failed allocation ends a process, not
 * only a thread. The dashboard still answers. A process that takes too long or too much memory is replaced, and the run that
 * it was reading is not read again.
 */
export class RunReader implements Reader {
  readonly #limits: ReaderLimits;
  /** Names of runs over which a process ended. */
  readonly #avoided = new Set<string>();
  #process: ChildProcess | undefined;
  #task: Task | undefined;
  #reading: string | undefined;
  #nextId = 0;
  #isClosed = false;
  /** Tasks are given out one after the other, so that each has all of its time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<ReaderLimits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
  }

  ask<T extends ReadTask>(task: T, input: ReadTasks[T]["input"]): Promise<ReadTasks[T]["output"]> {
    const answer = this.#last.then(() => this.#give(task, input));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = this.#process;
    if (ended === undefined) return;
    const exit = once(ended, "exit");
    this.#reading = undefined;
    this.#lose(ended, "the dashboard has ended");
    if (ended.exitCode === null && ended.signalCode === null) await exit;
  }

  #give<T extends ReadTask>(task: T, input: ReadTasks[T]["input"]): Promise<ReadTasks[T]["output"]> {
    if (this.#isClosed) return Promise.reject(readerLost("the dashboard has ended"));
    const id = this.#nextId++;
    this.#process ??= this.#start();
    const asked = this.#process;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(asked, "it took too long"), this.#limits.deadlineMs);
      this.#task = { id, resolve, reject, timer };
      // a process that cannot be reached ends, which is handled below
      asked.send({ id, task, input }, () => undefined);
    });
  }

  #start(): ChildProcess {
    const child = fork(script, [...this.#avoided], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [`--max-old-space-size=${this.#limits.heapMiB}`],
    });
    child.on("message", (message: FromReader) => this.#receive(message));
    child.on("error", (error) => this.#lose(child, error.message));
    child.on("exit", (code, signal) => this.#lose(child, `its process has ended (${signal ?? `exit code ${code}`})`));
    return child;
  }

  #receive(message: FromReader): void {
    if (message.type === "reading") {
      this.#reading = message.run;
      return;
    }
    const task = this.#take(message.id);
    if (message.type === "done") task?.resolve(message.output);
    else task?.reject(new AnabranchError(message.failure));
  }

  /** Ends the process, and with it its task. */
  #lose(lost: ChildProcess, received: string): void {
    if (lost !== this.#process) return;
    this.#process = undefined;
    if (this.#reading !== undefined) this.#avoided.add(this.#reading);
    this.#reading = undefined;
    this.#take(this.#task?.id)?.reject(readerLost(received));
    lost.kill("SIGKILL");
  }

  #take(id: number | undefined): Task | undefined {
    const task = this.#task?.id === id ? this.#task : undefined;
    if (task === undefined) return undefined;
    this.#task = undefined;
    clearTimeout(task.timer);
    return task;
  }
}

function readerLost(received: string): AnabranchError {
  return new AnabranchError({
    code: "dashboard/reader",
    message: "the runs could not be read",
    received,
    advice: "The page tries again. A run that is too large for it can be looked at with: anabranch show RUN",
  });
}
