import {
  AnabranchError,
  addSums,
  type Backend,
  type CohortOutcome,
  type CohortRequest,
  decodeUpdate,
  type EvaluationSums,
  type Evaluator,
  encodedSize,
  encodeInto,
  evaluationRanges,
  type SimulationPlan,
  type Vector,
  type Warning,
} from "@anabranch/core";
import { disableTelemetry } from "@anabranch/engine";
import type { ToWorker } from "./messages.ts";
import { sharePlan } from "./share.ts";
import { type SlotLayout, slotLayout, slotVectors } from "./slot.ts";
import { type Answer, WorkerLost, WorkerThread } from "./thread.ts";

export interface PoolOptions {
  readonly executor: string;
  readonly workers: number;
  /** Updates that may wait for their turn; default 2 x workers. */
  readonly window?: number;
  /** Takes the processor time of every task, see `WorkerPool.work`; costs about 15 microseconds a task. Default: no. */
  readonly measure?: boolean;
  /**
   * The worker of a task without an answer for this long is given up: another does its tasks. Default 10 minutes. One that
   * is still in native code when the process ends aborts it; the command ends without waiting for it.
   */
  readonly taskTimeoutMs?: number;
  /** What the threads run, for tests; default: `worker.ts`. */
  readonly script?: URL;
}

/** Tasks a worker has at a time: one running, one waiting, so that it never idles while results are folded. */
const TASKS_PER_WORKER = 2;

/**
 * A simulation on worker threads. Data and the broadcast lie in shared memory; results come back as encoded messages in
 * shared slots and are accepted in cohort order from a reorder window of 2 x workers, so memory does not grow with the cohort.
 */
export class WorkerPool implements Backend, Evaluator {
  readonly name = "worker-threads";
  readonly #plan: SimulationPlan;
  readonly #options: PoolOptions;
  readonly #slots: SharedArrayBuffer[];
  readonly #layout: SlotLayout;
  #threads: WorkerThread[] = [];
  /** Lost ones, of which some may compute on. */
  readonly #formerThreads: WorkerThread[] = [];
  #warnings: Warning[] = [];
  #broadcast: { buffer: SharedArrayBuffer; length: number } | undefined;
  #parameters: SharedArrayBuffer | undefined;
  readonly #work = { tasks: 0, milliseconds: 0, runningMilliseconds: 0 };
  #nextId = 0;

  private constructor(plan: SimulationPlan, options: PoolOptions) {
    this.#plan = sharePlan(plan);
    this.#options = options;
    this.#layout = slotLayout(plan.task);
    const length = options.window ?? options.workers * TASKS_PER_WORKER;
    this.#slots = Array.from({ length }, () => this.#newSlot());
  }

  /** Starts the threads and waits until each has loaded its programs. */
  static async start(plan: SimulationPlan, options: PoolOptions): Promise<WorkerPool> {
    // from their own side the threads cannot change the environment of the process
    if (options.executor === "onnxruntime-node") disableTelemetry();
    const pool = new WorkerPool(plan, options);
    pool.#threads = Array.from({ length: options.workers }, () => pool.#spawn());
    try {
      await Promise.all(pool.#threads.map((t) => t.ready));
    } catch (error) {
      await pool.close(); // threads that did start would keep the process alive
      throw error instanceof WorkerLost ? workerLost(error.message, "start of the workers", error) : error;
    }
    return pool;
  }

  async run(request: CohortRequest, accept: (outcomes: readonly CohortOutcome[]) => Promise<void>): Promise<void> {
    const bytesDown = this.#publishBroadcast(request);
    const window = this.#slots.length;
    const running = new Map<number, Promise<CohortOutcome>>();
    let started = 0;
    try {
      for (let index = 0; index < request.cohort.length; ) {
        for (; started < request.cohort.length && started < index + window; started++) {
          running.set(started, this.#train(request, request.cohort[started]!, started % window, bytesDown));
        }
        const group = await this.#nextGroup(running, index);
        index += group.length;
        await accept(group);
      }
    } finally {
      await Promise.allSettled(running.values()); // after a failure too, no task may write into a slot of the next round
    }
  }

  async evaluate(parameters: Vector): Promise<EvaluationSums> {
    return addSums(await this.#evaluate(parameters, "test"));
  }

  async evaluateClients(parameters: Vector): Promise<readonly EvaluationSums[]> {
    return this.#plan.holdout === undefined ? [] : this.#evaluate(parameters, "holdout");
  }

  takeWarnings(): readonly Warning[] {
    return this.#warnings.splice(0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#formerThreads, ...this.#threads].map((t) => t.close()));
  }

  /** With `measure`: client tasks done so far, how many, their processor time over all workers, and that of the programs in them. */
  get work(): { readonly tasks: number; readonly milliseconds: number; readonly runningMilliseconds: number } {
    return this.#work;
  }

  /** The threads, for tests that end one. */
  get threads(): readonly WorkerThread[] {
    return this.#threads;
  }

  #spawn(): WorkerThread {
    const setup = {
      plan: this.#plan,
      executor: this.#options.executor,
      measure: this.#options.measure ?? false,
    };
    const { taskTimeoutMs = 600_000, script } = this.#options;
    const thread = new WorkerThread(setup, { taskTimeoutMs, ...(script === undefined ? {} : { script }) });
    if (this.#broadcast !== undefined) thread.post({ type: "broadcast", ...this.#broadcast });
    if (this.#parameters !== undefined) thread.post({ type: "parameters", buffer: this.#parameters });
    return thread;
  }

  #newSlot(): SharedArrayBuffer {
    return new SharedArrayBuffer(this.#layout.bytes);
  }

  /** The thread with the fewest tasks; a lost one is replaced. */
  #pick(): WorkerThread {
    this.#threads = this.#threads.map((t) => (t.lost === undefined ? t : this.#replace(t)));
    return this.#threads.reduce((best, t) => (t.load < best.load ? t : best));
  }

  #replace(thread: WorkerThread): WorkerThread {
    this.#formerThreads.push(thread);
    const message = `A worker was lost and another has taken its place: ${thread.lost}. Its tasks are tried once more.`;
    this.#warnings.push({ code: "worker/lost", message });
    return this.#spawn();
  }

  /**
   * Takes the next outcomes in cohort order: as many as there are workers, which are summed in less time than one by
   * one, but fewer where waiting for them would leave a worker without a task.
   */
  async #nextGroup(running: Map<number, Promise<CohortOutcome>>, index: number): Promise<CohortOutcome[]> {
    const group: CohortOutcome[] = [];
    while (group.length < this.#options.workers) {
      const next = running.get(index + group.length);
      if (next === undefined) break;
      const outcome = group.length === 0 ? await next : await Promise.race([next, this.#idle()]);
      if (outcome === undefined) break;
      running.delete(index + group.length);
      group.push(outcome);
    }
    return group;
  }

  /** Resolves when a worker has no task left. */
  async #idle(): Promise<undefined> {
    await Promise.race(this.#threads.map((thread) => thread.idle()));
  }

  /** As `#request`, for work that the run cannot do without. Throws `worker/lost` or what the worker has thrown. */
  async #require(build: (id: number) => Extract<ToWorker, { id: number }>): Promise<Answer> {
    try {
      const { answer } = await this.#request(build);
      if (answer.type !== "failed") return answer;
      throw new AnabranchError({ code: answer.code, message: answer.message });
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      throw workerLost(`${error.message}, twice`, "evaluation", error);
    }
  }

  /** Runs a task; one whose worker is lost is tried once more on another. */
  async #request(
    build: (id: number) => Extract<ToWorker, { id: number }>,
  ): Promise<{ answer: Answer; retried: boolean }> {
    try {
      return { answer: await this.#pick().request(build(this.#nextId++)), retried: false };
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      return { answer: await this.#pick().request(build(this.#nextId++)), retried: true };
    }
  }

  /** As `#request`, for a task that writes into a slot. A lost worker may still write into it, so it is used no more. */
  async #requestInto(slot: number, build: (id: number, slot: SharedArrayBuffer) => Extract<ToWorker, { id: number }>) {
    let tries = 0;
    try {
      return await this.#request((id) => {
        if (tries++ > 0) this.#slots[slot] = this.#newSlot();
        return build(id, this.#slots[slot]!);
      });
    } catch (error) {
      this.#slots[slot] = this.#newSlot();
      throw error;
    }
  }

  async #train(request: CohortRequest, client: number, slot: number, bytesDown: number): Promise<CohortOutcome> {
    try {
      const old = await request.loadState(client);
      const { task } = this.#plan;
      const { learningRate } = request;
      const part = request.parts?.get(client);
      const { answer, retried } = await this.#requestInto(slot, (id, buffer) => {
        if (old !== undefined) {
          const place = slotVectors(task, buffer, this.#layout.oldState, task.state);
          for (const [name, vector] of Object.entries(place)) vector.set(old[name]!);
        }
        return { type: "train", id, slot: buffer, client, learningRate, part, hasState: old !== undefined };
      });
      if (answer.type === "failed")
        return { client, failure: { code: answer.code, message: answer.message }, bytesDown, retried };
      if (answer.type !== "trained") throw new Error(`unexpected answer ${answer.type}`);
      this.#work.tasks++;
      this.#work.milliseconds += answer.milliseconds;
      this.#work.runningMilliseconds += answer.runningMilliseconds;
      const buffer = this.#slots[slot]!;
      const update = decodeUpdate(new Uint8Array(buffer, 0, answer.length));
      const state = slotVectors(task, buffer, this.#layout.newState, task.state);
      return { client, update, state, bytesDown, bytesUp: answer.length, retried };
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      return { client, failure: { code: "worker/lost", message: `${error.message}, twice` }, bytesDown, retried: true };
    }
  }

  async #evaluate(parameters: Vector, source: "test" | "holdout"): Promise<EvaluationSums[]> {
    this.#publishParameters(parameters);
    const ranges = evaluationRanges(this.#plan[source]!, this.#plan.evaluation.batchSize);
    const answers = await Promise.all(
      ranges.map((range) => this.#require((id) => ({ type: "evaluate", id, source, range }))),
    );
    return answers.flatMap((answer) => {
      if (answer.type === "evaluated") return answer.sums;
      throw new Error(`unexpected answer ${answer.type}`);
    });
  }

  #publishBroadcast(request: CohortRequest): number {
    const length = encodedSize(request.broadcast);
    const known = this.#broadcast?.buffer;
    const buffer = known !== undefined && known.byteLength >= length ? known : new SharedArrayBuffer(length + 4096);
    encodeInto(request.broadcast, new Uint8Array(buffer, 0, length));
    this.#broadcast = { buffer, length };
    for (const thread of this.#threads) thread.post({ type: "broadcast", buffer, length });
    return length;
  }

  #publishParameters(parameters: Vector): void {
    this.#parameters ??= new SharedArrayBuffer(parameters.byteLength);
    const view =
      parameters instanceof Float64Array ? new Float64Array(this.#parameters) : new Float32Array(this.#parameters);
    view.set(parameters);
    for (const thread of this.#threads) thread.post({ type: "parameters", buffer: this.#parameters });
  }
}

function workerLost(message: string, where: string, cause: Error): AnabranchError {
  const advice = "Was memory short? Try fewer workers; resume continues from the last checkpoint.";
  return new AnabranchError({ code: "worker/lost", message, where, advice, cause });
}
