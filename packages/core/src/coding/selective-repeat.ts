import { refusal } from "./gradient-code.ts";
import type { SequentialScheme } from "./sequential.ts";

/**
 * SR-SGC: a gradient code per job with s = ceil(B lambda / (W - 1 + B)); a worker that was late for job t - B repeats it in
 * round t while fewer than n - s of its results are in, and the others go on with job t.
 *
 * Source: M. N. Krishnan, M. R. Ebrahimi, A. Khisti, ICLR 2023, arXiv:2211.13802.
 *
 * @example
 * ```ts
 * import { SelectiveRepeat } from "@anabranch/core";
 * const scheme = new SelectiveRepeat({ workers: 6, burst: 2, window: 3, most: 3, jobs: 2 });
 * for (const late of [[0, 1, 2], [], []]) scheme.endRound(new Set(late));
 * scheme.finished; // => [3, 2]
 * ```
 */
export class SelectiveRepeat implements SequentialScheme<number> {
  readonly name = "sr-sgc";
  readonly workers: number;
  readonly jobs: number;
  readonly delay: number;
  readonly load: number;
  readonly rounds: number;
  /** s: results of a job that may be missing. */
  readonly tolerance: number;
  readonly #burst: number;
  /** By job: the workers whose results are in. */
  readonly #results: Set<number>[];
  readonly #finished: (number | null)[];
  #round = 0;
  #tasks: readonly number[] = [];

  constructor(sizes: SequentialSizes) {
    requireSequential(sizes);
    const { workers, burst, window, most, jobs } = sizes;
    if ((window - 1) % burst !== 0) {
      throw refusal("B", `${burst}, with W = ${window}`, "a divisor of W - 1");
    }
    this.workers = workers;
    this.jobs = jobs;
    this.delay = burst;
    this.rounds = jobs + burst;
    this.tolerance = Math.ceil((burst * most) / (window - 1 + burst));
    if (this.tolerance >= workers) throw refusal("lambda", `${most}`, "fewer, so that s < n");
    this.load = (this.tolerance + 1) / workers;
    this.#burst = burst;
    this.#results = Array.from({ length: jobs + 1 }, () => new Set());
    this.#finished = Array.from({ length: jobs }, () => null);
    this.#give();
  }

  /** Job of each worker, 1-based; 0: nothing is left. */
  get tasks(): readonly number[] {
    return this.#tasks;
  }

  get finished(): readonly (number | null)[] {
    return this.#finished;
  }

  mayEnd(late: ReadonlySet<number>): boolean {
    const due = this.#round - this.#burst;
    if (due < 1 || this.#finished[due - 1] !== null) return true;
    const back = this.#tasks.filter((job, worker) => job === due && !late.has(worker)).length;
    return this.#results[due]!.size + back >= this.workers - this.tolerance;
  }

  endRound(late: ReadonlySet<number>): void {
    for (const [worker, job] of this.#tasks.entries()) {
      if (job > 0 && !late.has(worker)) this.#results[job]!.add(worker);
    }
    for (const job of new Set(this.#tasks)) {
      if (job === 0 || this.#finished[job - 1] !== null) continue;
      if (this.#results[job]!.size >= this.workers - this.tolerance) this.#finished[job - 1] = this.#round;
    }
    this.#give();
  }

  #give(): void {
    this.#round++;
    const [job, old] = [this.#round, this.#round - this.#burst];
    const results = this.#results[old];
    let count = old >= 1 && results !== undefined ? results.size : this.workers;
    this.#tasks = Array.from({ length: this.workers }, (_, worker) => {
      if (count < this.workers - this.tolerance && !results!.has(worker)) {
        count++;
        return old;
      }
      return job <= this.jobs ? job : 0;
    });
  }
}

/** The sizes of a sequential scheme: n workers, (B, W, lambda)-bursty stragglers and the number of jobs. */
export interface SequentialSizes {
  readonly workers: number;
  /** B */
  readonly burst: number;
  /** W */
  readonly window: number;
  /** lambda */
  readonly most: number;
  readonly jobs: number;
}

export function requireSequential({ workers, burst, window, most, jobs }: SequentialSizes): void {
  const integers = { workers, B: burst, W: window, jobs };
  for (const [name, value] of Object.entries(integers)) {
    if (!(Number.isInteger(value) && value >= 1)) throw refusal(name, `${value}`, "an integer of at least 1");
  }
  if (burst > window) throw refusal("B", `${burst}`, `at most W = ${window}`);
  if (Number.isInteger(most) && most >= 0 && most <= workers) return;
  throw refusal("lambda", `${most}`, `an integer from 0 to workers = ${workers}`);
}
