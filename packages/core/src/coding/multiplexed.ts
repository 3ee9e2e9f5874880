import { refusal } from "./gradient-code.ts";
import { requireSequential, type SequentialSizes } from "./selective-repeat.ts";
import type { SequentialScheme } from "./sequential.ts";

/** One mini-task: a chunk of a job that its worker alone holds, or the coded result of a group; null: nothing. */
export type MiniTask = { readonly kind: "part" | "coded"; readonly job: number; readonly index: number } | null;

/**
 * M-SGC: most of a job is not coded. Each of n workers holds W - 1 chunks of its own, and B groups of chunks lie in
 * (n, lambda) gradient codes. In a round a worker does one mini-task for each of the W - 1 + B newest jobs: its chunks one
 * after the other, then chunks that it was late with, or else coded results.
 *
 * Source: M. N. Krishnan, M. R. Ebrahimi, A. Khisti, ICLR 2023, arXiv:2211.13802.
 *
 * @example
 * ```ts
 * import { Multiplexed } from "@anabranch/core";
 * const scheme = new Multiplexed({ workers: 4, burst: 2, window: 3, most: 1, jobs: 3 });
 * for (let round = 1; round <= scheme.rounds; round++) scheme.endRound(new Set(round === 2 ? [1] : []));
 * scheme.finished; // => [4, 5, 6]
 * ```
 */
export class Multiplexed implements SequentialScheme<readonly MiniTask[]> {
  readonly name = "m-sgc";
  readonly workers: number;
  readonly jobs: number;
  readonly delay: number;
  readonly load: number;
  readonly rounds: number;
  /** Share of a job's data in a chunk that one worker holds, and in a chunk of a group. */
  readonly partSize: number;
  readonly codedSize: number;
  readonly #sizes: SequentialSizes;
  readonly #jobs: JobResults[];
  readonly #finished: (number | null)[];
  #round = 0;
  #tasks: readonly (readonly MiniTask[])[] = [];

  constructor(sizes: SequentialSizes) {
    requireSequential(sizes);
    const { workers: n, burst: b, window: w, most, jobs } = sizes;
    if (w < 2) throw refusal("W", `${w}`, "at least 2");
    this.workers = n;
    this.jobs = jobs;
    this.delay = w - 2 + b;
    this.rounds = jobs + this.delay;
    const all = n * (b + (w - 1) * (most + 1));
    // where all may be late nothing can be coded
    this.partSize = most === n ? 1 / (n * (w - 1)) : (most + 1) / all;
    this.codedSize = most === n ? 0 : 1 / all;
    this.load = this.partSize * (w - 1 + b);
    this.#sizes = sizes;
    this.#jobs = Array.from({ length: jobs }, () => new JobResults(sizes));
    this.#finished = Array.from({ length: jobs }, () => null);
    this.#give();
  }

  /** Mini-tasks of each worker, [workers][slot]: slot j is for job `round - j`. */
  get tasks(): readonly (readonly MiniTask[])[] {
    return this.#tasks;
  }

  get finished(): readonly (number | null)[] {
    return this.#finished;
  }

  mayEnd(late: ReadonlySet<number>): boolean {
    const due = this.#round - this.delay;
    const results = this.#jobs[due - 1];
    if (results === undefined || this.#finished[due - 1] !== null) return true;
    const after = results.copy();
    for (const [worker, slots] of this.#tasks.entries()) {
      if (late.has(worker)) continue;
      for (const task of slots) if (task?.job === due) after.add(worker, task);
    }
    return after.areEnough();
  }

  endRound(late: ReadonlySet<number>): void {
    for (const [worker, slots] of this.#tasks.entries()) {
      if (late.has(worker)) continue;
      for (const task of slots) if (task !== null) this.#jobs[task.job - 1]!.add(worker, task);
    }
    for (const [job, results] of this.#jobs.entries()) {
      if (this.#finished[job] === null && results.areEnough()) this.#finished[job] = this.#round;
    }
    this.#give();
  }

  #give(): void {
    this.#round++;
    const { burst, window, most } = this.#sizes;
    const slots = Array.from({ length: window - 1 + burst }, (_, slot) => slot);
    this.#tasks = Array.from({ length: this.workers }, (_, worker) =>
      slots.map((slot): MiniTask => {
        const job = this.#round - slot;
        const results = this.#jobs[job - 1];
        if (results === undefined) return null;
        if (slot < window - 1) return { kind: "part", job, index: slot };
        const again = results.missingPart(worker);
        if (again !== undefined) return { kind: "part", job, index: again };
        return most === this.workers ? null : { kind: "coded", job, index: slot - (window - 1) };
      }),
    );
  }
}

/** What is in of one job. */
class JobResults {
  readonly #parts: Set<number>[];
  readonly #groups: Set<number>[];
  readonly #sizes: SequentialSizes;

  constructor(sizes: SequentialSizes) {
    this.#sizes = sizes;
    this.#parts = Array.from({ length: sizes.workers }, () => new Set());
    this.#groups = Array.from({ length: sizes.burst }, () => new Set());
  }

  copy(): JobResults {
    const copy = new JobResults(this.#sizes);
    for (const [worker, parts] of this.#parts.entries()) for (const part of parts) copy.#parts[worker]!.add(part);
    for (const [group, workers] of this.#groups.entries())
      for (const worker of workers) copy.#groups[group]!.add(worker);
    return copy;
  }

  add(worker: number, { kind, index }: NonNullable<MiniTask>): void {
    if (kind === "part") this.#parts[worker]!.add(index);
    else this.#groups[index]!.add(worker);
  }

  /** The first chunk of a worker that is not in. */
  missingPart(worker: number): number | undefined {
    const own = this.#parts[worker]!;
    for (let index = 0; index < this.#sizes.window - 1; index++) if (!own.has(index)) return index;
    return undefined;
  }

  /** Whether all chunks are in, and n - lambda results of every group. */
  areEnough(): boolean {
    const { workers, window, most } = this.#sizes;
    const whole = this.#parts.every(({ size }) => size === window - 1);
    return whole && this.#groups.every(({ size }) => size >= workers - most);
  }
}
