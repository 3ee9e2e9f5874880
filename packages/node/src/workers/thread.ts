import { Worker } from "node:worker_threads";
import { AnabranchError } from "@anabranch/core";
import type { FromWorker, ToWorker, WorkerSetup } from "./messages.ts";

/** Answers of a worker to one task. */
export type Answer = Extract<FromWorker, { id: number }>;

/** Why a task got no answer. */
export class WorkerLost extends Error {}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout | undefined;
}

/** One worker thread with its outstanding tasks. A thread that dies or misses a deadline rejects them with WorkerLost. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #taskTimeoutMs: number;
  readonly ready: Promise<void>;
  #onIdle: (() => void)[] = [];
  #dead = false;

  constructor(setup: WorkerSetup, taskTimeoutMs: number) {
    // the compiled package has .js files beside each other
    const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: setup });
    this.#taskTimeoutMs = taskTimeoutMs;
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: FromWorker) => {
        if (message.type === "ready") resolve();
        else if (message.type === "broken") {
          reject(new AnabranchError({ code: message.code, message: message.message }));
          this.#lose(`a worker could not start: ${message.message}`); // it answers no task
          void this.#worker.terminate();
        } else this.#settle(message);
      });
      const lost = (why: string) => {
        this.#lose(why);
        reject(new WorkerLost(why));
      };
      this.#worker.on("error", (error) => lost(`a worker failed: ${error.message}`));
      this.#worker.on("exit", (code) => lost(`a worker ended with exit code ${code}`));
    });
    this.ready.catch(() => {}); // reported by whoever awaits it or by the tasks it loses
  }

  get load(): number {
    return this.#pending.size;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Resolves when no task is outstanding. */
  idle(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  post(message: ToWorker): void {
    if (!this.#dead) this.#worker.postMessage(message);
  }

  /** Posts a task and waits for its answer. Rejects with WorkerLost when the thread dies or the deadline passes. */
  request(message: Extract<ToWorker, { id: number }>): Promise<Answer> {
    if (this.#dead) return Promise.reject(new WorkerLost("the worker has ended"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#lose(`no answer within ${this.#taskTimeoutMs / 1000} s`);
        void this.#worker.terminate();
      }, this.#taskTimeoutMs);
      timer.unref();
      this.#pending.set(message.id, { resolve, reject, timer });
      this.#worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    if (this.#dead) return;
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.postMessage({ type: "close" } satisfies ToWorker);
    const deadline = setTimeout(() => void this.#worker.terminate(), 5_000);
    await exited;
    clearTimeout(deadline);
  }

  /** Ends the thread at once, as a crash would. */
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

  #lose(why: string): void {
    this.#dead = true;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new WorkerLost(why));
    }
    this.#pending.clear();
    this.#tellIdle();
  }
}
