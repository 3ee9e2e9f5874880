import { Worker } from "node:worker_threads";
import { AnabranchError, type FoldRule, type Vector } from "@anabranch/core";
import type { Shard, ShardAnswer, ShardRequest } from "./sharded-fold-worker.ts";

export interface ShardedFoldOptions {
  readonly rule: FoldRule;
  /** Elements of a vector. */
  readonly size: number;
  readonly workers: number;
}

/**
 * A fold whose coordinates are shared out over threads: the bits of the sequential fold, as every coordinate is still
 * summed in cohort order, in a fraction of the time. Memory is d float64 sums over all threads, whatever the cohort.
 *
 * For a server that takes in many large updates. A simulation folds update by update while its workers train and has no
 * idle cores to use.
 */
export class ShardedFold {
  readonly #options: ShardedFoldOptions;
  readonly #threads: readonly ShardThread[];

  private constructor(options: ShardedFoldOptions) {
    const { rule, size, workers } = options;
    this.#options = options;
    const bound = (i: number) => Math.floor((size * i) / workers);
    this.#threads = Array.from(
      { length: workers },
      (_, i) => new ShardThread({ rule, begin: bound(i), end: bound(i + 1) }),
    );
  }

  /** Starts the threads. */
  static async start(options: ShardedFoldOptions): Promise<ShardedFold> {
    const fold = new ShardedFold(options);
    await fold.reset();
    return fold;
  }

  /**
   * Adds updates [d] in order; they may be overwritten once this resolves. Calls do not overlap.
   * Throws `aggregation/shared`, `aggregation/length` or `aggregation/weight`, and then nothing may be added any more.
   */
  async addAll(vectors: readonly Vector[], weights: readonly number[]): Promise<void> {
    for (const [k, vector] of vectors.entries()) this.#require(vector, `update ${k}`);
    await this.#all({ type: "add", vectors, weights });
  }

  /** Writes the aggregate into `out` [d], in shared memory, and returns it. Throws `aggregation/empty`. */
  async result<V extends Vector>(out: V): Promise<V> {
    this.#require(out, "the vector for the result");
    await this.#all({ type: "result", out });
    return out;
  }

  /** Forgets everything that was added. */
  async reset(): Promise<void> {
    await this.#all({ type: "reset" });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #all(request: ShardRequest): Promise<void> {
    const answers = await Promise.all(this.#threads.map((thread) => thread.request(request)));
    const failed = answers.find((answer) => answer !== undefined);
    if (failed !== undefined) throw new AnabranchError(failed);
  }

  #require(vector: Vector, where: string): void {
    const { size } = this.#options;
    if (vector.length !== size) {
      throw new AnabranchError({
        code: "aggregation/length",
        message: "a vector does not fit the aggregate",
        where,
        received: `${vector.length} elements`,
        expected: `${size} elements`,
      });
    }
    if (vector.buffer instanceof SharedArrayBuffer) return;
    throw new AnabranchError({
      code: "aggregation/shared",
      message: "threads cannot see this vector",
      where,
      received: "memory of one thread",
      expected: "a vector over a SharedArrayBuffer",
      advice: "Receive updates into shared memory, or fold them on one thread.",
    });
  }
}

/** One thread; requests are answered in order. */
class ShardThread {
  readonly #worker: Worker;
  readonly #waiting: { resolve(answer: ShardAnswer): void; reject(error: Error): void }[] = [];
  #lost: Error | undefined;

  constructor(shard: Shard) {
    // the compiled package has .js files beside each other
    const file = import.meta.url.endsWith(".ts") ? "./sharded-fold-worker.ts" : "./sharded-fold-worker.js";
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: shard });
    this.#worker.on("message", (answer: ShardAnswer) => this.#waiting.shift()?.resolve(answer));
    const lost = (error: Error) => {
      this.#lost ??= error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    this.#worker.on("error", lost);
    this.#worker.on("exit", (code) => lost(new Error(`a thread that aggregates ended with exit code ${code}`)));
  }

  request(request: ShardRequest): Promise<ShardAnswer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
