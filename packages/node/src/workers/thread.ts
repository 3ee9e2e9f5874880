import { Worker } from "node:worker_threads";
import { AnabranchError } from "@anabranch/core";
import { abandonThread } from "./abandoned-threads.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./messages.ts";

/** Answers of a worker to one task. */
export type Answer = Extract<FromWorker, { id: number }>;

/** Why a task got no answer. */
export class WorkerLost extends Error {}

export interface ThreadOptions {
  /** A task, or a start, without an answer for this long: the thread is given up. */
  readonly taskTimeoutMs: number;
  /** What the thread runs; default: `worker.ts`. */
  readonly script?: URL;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** How long `close` waits for a thread. */
const CLOSE_MS = 5_000;

// the compiled package has .js files beside each other
const workerScript = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

/**
 * One worker thread with its outstanding tasks. A thread that dies or misses a deadline rejects them with WorkerLost. One
 * that misses a deadline is not ended, as it may be in native code (see `abandonThread`), but given up: what it still
 * answers is dropped, and it ends where it comes back.
 */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #taskTimeoutMs: number;
  readonly #ended: Promise<void>;
  readonly ready: Promise<void>;
  #onIdle: (() => void)[] = [];
  #lost: string | undefined;

  constructor(setup: WorkerSetup, { taskTimeoutMs, script = workerScript }: ThreadOptions) {
    this.#worker = new Worker(script, { workerData: setup });
    this.#taskTimeoutMs = taskTimeoutMs;
    this.#ended = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      const lost = (why: string) => {
        this.#lose(why);
        reject(new WorkerLost(why));
      };
      const timer = setTimeout(() => lost(this.#giveUp(taskTimeoutMs)), taskTimeoutMs).unref();
      this.#worker.on("message", (message: FromWorker) => {
        if (message.type === "ready") resolve();
        else if (message.type === "broken") {
          reject(new AnabranchError({ code: message.code, message: message.message }));
          this.#lose(`a worker could not start: ${message.message}`); // it answers no task, and ends
        } else return this.#settle(message);
        clearTimeout(timer);
      });
      this.#worker.on("error", (error) => lost(`a worker failed: ${error.message}`));
      this.#worker.on("exit", (code) => {
        clearTimeout(timer);
        lost(`a worker ended with exit code ${code}`);
      });
    });
    this.ready.catch(() => {}); // reported by whoever awaits it or by the tasks it loses
  }

  get load(): number {
    return this.#pending.size;
  }

  /** Why it takes no tasks any more; undefined while it does. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Resolves when no task is outstanding. */
  idle(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  post(message: ToWorker): void {
    if (this.#lost === undefined) this.#worker.postMessage(message);
  }

  /** Posts a task and waits for its answer. Rejects with WorkerLost when the thread dies or the deadline passes. */
  request(message: Extract<ToWorker, { id: number }>): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.reject(new WorkerLost(this.#lost));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(this.#giveUp(this.#taskTimeoutMs)), this.#taskTimeoutMs);
      timer.unref();
      this.#pending.set(message.id, { resolve, reject, timer });
      this.#worker.postMessage(message);
    });
  }

  /** Asks the thread to end after what it is doing, and waits for it a few seconds; after them it is given up. */
  async close(): Promise<void> {
    this.#worker.postMessage({ type: "close" } satisfies ToWorker);
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(() => {
        this.#lose(this.#giveUp(CLOSE_MS));
        resolve();
      }, CLOSE_MS);
    });
    await Promise.race([this.#ended, late]);
    clearTimeout(deadline);
  }

  /** Ends the thread at once, as a crash would. In native code this ends the process too. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#pending.delete(answer.id);
    clearTimeout(pending.timer);
    pending.resolve(answer);
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#pending.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Returns why. */
  #giveUp(timeoutMs: number): string {
    this.#worker.postMessage({ type: "close" } satisfies ToWorker); // should it ever come back
    abandonThread(this.#worker);
    return `no answer within ${timeoutMs / 1000} s`;
  }

  #lose(why: string): void {
    this.#lost ??= why;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new WorkerLost(why));
    }
    this.#pending.clear();
    this.#tellIdle();
  }
}
