import {
  AnabranchError,
  addSums,
  type Backend,
  type Broadcast,
  decodeUpdate,
  type EvaluationSums,
  type Evaluator,
  encodedSize,
  encodeInto,
  evaluationRanges,
  hasVersionBefore,
  type Order,
  type Outcome,
  type SimulationSpec,
  sentBytes,
  testSums,
  type Vector,
  type Warning,
} from "@anabranch/core";
import { disableTelemetry } from "@anabranch/engine";
import type { EvaluationSource, ToWorker } from "./messages.ts";
import { shareSimulation } from "./share.ts";
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

/** A message of a model version, as it is and encoded. */
interface SharedMessage {
  readonly broadcast: Broadcast;
  /** Whether it is for clients that have the version before. */
  readonly change: boolean;
  readonly buffer: SharedArrayBuffer;
  readonly length: number;
}

/** An order on its way. */
interface Work {
  readonly order: Order;
  readonly outcome: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** Where it is written; undefined until it begins. */
  slot: number | undefined;
}

/**
 * A simulation on worker threads. Data and model versions lie in shared memory; results come back as encoded messages in
 * shared slots, 2 x workers of them, which are held until their order is released: memory does not grow with the cohort.
 *
 * @example
 * ```ts
 * import { fedavg, prepareQuadratics } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * import { WorkerPool } from "@anabranch/node";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
 * const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
 * const pool = await WorkerPool.start(simulation, { executor: "interpreter", workers: 1 });
 * (await pool.evaluate(plan.initial)).loss; // => 2
 * await pool.close();
 * ```
 */
export class WorkerPool implements Backend, Evaluator {
  readonly name = "worker-threads";
  readonly #simulation: SimulationSpec;
  readonly #options: PoolOptions;
  readonly #slots: SharedArrayBuffer[];
  readonly #layout: SlotLayout;
  #threads: WorkerThread[] = [];
  /** Lost ones, of which some may compute on. */
  readonly #formerThreads: WorkerThread[] = [];
  #warnings: Warning[] = [];
  /** Model versions that are trained, encoded. */
  readonly #versions = new Map<number, readonly SharedMessage[]>();
  /** Of the version retired last, for the next one. */
  #spareBuffers: SharedArrayBuffer[] = [];
  readonly #work = new Map<string, Work>();
  #waiting: Work[] = [];
  #freeSlots: number[];
  /** Slots that work begins in unasked; a few more may be in use. */
  readonly #window: number;
  #slotsInUse = 0;
  #parameters: SharedArrayBuffer | undefined;
  readonly #measured = { tasks: 0, milliseconds: 0, runningMilliseconds: 0 };
  #nextId = 0;

  private constructor(simulation: SimulationSpec, options: PoolOptions) {
    this.#simulation = shareSimulation(simulation);
    this.#options = options;
    this.#layout = slotLayout(simulation.task);
    const length = options.window ?? options.workers * TASKS_PER_WORKER;
    this.#slots = Array.from({ length }, () => this.#newSlot());
    this.#freeSlots = [...this.#slots.keys()];
    this.#window = length;
  }

  /** Starts the threads and waits until each has loaded its programs. */
  static async start(simulation: SimulationSpec, options: PoolOptions): Promise<WorkerPool> {
    // from their own side the threads cannot change the environment of the process
    if (options.executor === "onnxruntime-node") disableTelemetry();
    const pool = new WorkerPool(simulation, options);
    pool.#threads = Array.from({ length: options.workers }, () => pool.#spawn());
    try {
      await Promise.all(pool.#threads.map((t) => t.ready));
    } catch (error) {
      await pool.close(); // threads that did start would keep the process alive
      throw error instanceof WorkerLost ? workerLost(error.message, "start of the workers", error) : error;
    }
    return pool;
  }

  /** Updates of as many clients as there are workers are summed in less time than one by one. */
  get group(): number {
    return this.#options.workers;
  }

  publish(version: number, broadcast: Broadcast, change?: Broadcast): void {
    const messages = [this.#share(broadcast, false), ...(change === undefined ? [] : [this.#share(change, true)])];
    this.#versions.set(version, messages);
    for (const thread of this.#threads) {
      for (const message of messages) thread.post(publishing(version, message));
    }
  }

  #share(broadcast: Broadcast, change: boolean): SharedMessage {
    const length = encodedSize(broadcast);
    const spare = this.#spareBuffers.shift();
    const buffer = spare !== undefined && spare.byteLength >= length ? spare : new SharedArrayBuffer(length + 4096);
    encodeInto(broadcast, new Uint8Array(buffer, 0, length));
    return { broadcast, change, buffer, length };
  }

  retire(version: number): void {
    const retired = this.#versions.get(version);
    if (retired === undefined) return;
    this.#versions.delete(version);
    for (const thread of this.#threads) thread.post({ type: "retire", version });
    this.#spareBuffers = retired.map(({ buffer }) => buffer);
  }

  submit(order: Order): void {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    promise.catch(() => {}); // thrown where the outcome is asked for
    const work: Work = { order, outcome: promise, resolve, reject, slot: undefined };
    this.#work.set(order.id, work);
    const { due = 0 } = order;
    const later = this.#waiting.findLastIndex((other) => (other.order.due ?? 0) <= due);
    this.#waiting.splice(later + 1, 0, work);
    this.#begin();
  }

  outcome(id: string): Promise<Outcome> {
    const work = this.#work.get(id)!;
    // all slots may hold updates that are due later: it gets one of its own
    if (work.slot === undefined && work.order.due !== undefined)
      this.#start(work, this.#freeSlots.pop() ?? this.#slots.push(this.#newSlot()) - 1);
    return work.outcome;
  }

  async release(id: string): Promise<void> {
    const work = this.#work.get(id);
    if (work === undefined) return;
    this.#work.delete(id);
    if (work.slot === undefined) {
      this.#waiting = this.#waiting.filter((other) => other !== work);
      return;
    }
    await work.outcome.catch(() => {});
    this.#slotsInUse--;
    this.#freeSlots.push(work.slot);
    this.#begin();
  }

  /** Resolves when a worker has no task left. */
  async idle(): Promise<void> {
    await Promise.race(this.#threads.map((thread) => thread.idle()));
  }

  async evaluate(parameters: Vector): Promise<EvaluationSums> {
    return testSums(this.#simulation.test, await this.#evaluate(parameters, "test"));
  }

  async evaluateClients(parameters: Vector, only?: number): Promise<readonly EvaluationSums[]> {
    return this.#simulation.holdout === undefined ? [] : this.#evaluate(parameters, "holdout", only);
  }

  async evaluateAttack(parameters: Vector): Promise<EvaluationSums | undefined> {
    return this.#simulation.attackTest === undefined
      ? undefined
      : addSums(await this.#evaluate(parameters, "attackTest"));
  }

  takeWarnings(): readonly Warning[] {
    return this.#warnings.splice(0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#formerThreads, ...this.#threads].map((t) => t.close()));
  }

  /** With `measure`: client tasks done so far, how many, their processor time over all workers, and that of the programs in them. */
  get work(): { readonly tasks: number; readonly milliseconds: number; readonly runningMilliseconds: number } {
    return this.#measured;
  }

  /** The threads, for tests that end one. */
  get threads(): readonly WorkerThread[] {
    return this.#threads;
  }

  #spawn(): WorkerThread {
    const setup = {
      simulation: this.#simulation,
      executor: this.#options.executor,
      measure: this.#options.measure ?? false,
    };
    const { taskTimeoutMs = 600_000, script } = this.#options;
    const thread = new WorkerThread(setup, { taskTimeoutMs, ...(script === undefined ? {} : { script }) });
    for (const [version, messages] of this.#versions) {
      for (const message of messages) thread.post(publishing(version, message));
    }
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

  /** Begins waiting work as long as there are slots, what is due first before the rest. */
  #begin(): void {
    while (this.#waiting.length > 0 && this.#slotsInUse < this.#window) {
      this.#start(this.#waiting[0]!, this.#freeSlots.pop()!);
    }
  }

  #start(work: Work, slot: number): void {
    if (this.#waiting[0] === work) this.#waiting.shift();
    else this.#waiting = this.#waiting.filter((other) => other !== work);
    work.slot = slot;
    this.#slotsInUse++;
    this.#train(work.order, slot).then(work.resolve, work.reject);
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

  async #train(order: Order, slot: number): Promise<Outcome> {
    const { client, version, part, learningRate, steps, keys, own = {}, loadState } = order;
    const [whole, shortened] = this.#versions.get(version)!;
    const old = await loadState();
    const change = shortened !== undefined && hasVersionBefore(version, old);
    const { broadcast, length } = change ? shortened : whole!;
    const bytesDown = sentBytes(order, broadcast, length, old);
    try {
      const { task } = this.#simulation;
      const { answer, retried } = await this.#requestInto(slot, (id, buffer) => {
        if (old !== undefined) {
          const place = slotVectors(task, buffer, this.#layout.oldState, task.clientState);
          for (const [name, vector] of Object.entries(place)) vector.set(old[name]!);
        }
        const given = slotVectors(task, buffer, this.#layout.own, (task.tiers?.[part!] ?? task).own ?? {});
        for (const [name, vector] of Object.entries(given)) vector.fill(0).set(own[name] ?? []);
        const hasState = old !== undefined;
        return { type: "train", id, slot: buffer, client, version, change, learningRate, steps, part, keys, hasState };
      });
      if (answer.type === "failed")
        return { client, failure: { code: answer.code, message: answer.message }, bytesDown, retried };
      if (answer.type !== "trained") throw new Error(`unexpected answer ${answer.type}`);
      this.#measured.tasks++;
      this.#measured.milliseconds += answer.milliseconds;
      this.#measured.runningMilliseconds += answer.runningMilliseconds;
      const buffer = this.#slots[slot]!;
      const update = decodeUpdate(new Uint8Array(buffer, 0, answer.length));
      const state = slotVectors(task, buffer, this.#layout.newState, task.clientState);
      const cpuSeconds = this.#options.measure === true ? answer.milliseconds / 1000 : undefined;
      const measured = { norm: answer.norm, compression: answer.compression, cpuSeconds };
      return { client, update, state, bytesDown, bytesUp: answer.length, retried, measured };
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error;
      return { client, failure: { code: "worker/lost", message: `${error.message}, twice` }, bytesDown, retried: true };
    }
  }

  async #evaluate(parameters: Vector, source: EvaluationSource, only?: number): Promise<EvaluationSums[]> {
    this.#publishParameters(parameters);
    const ranges = evaluationRanges(this.#simulation[source]!, this.#simulation.evaluation.batchSize, only);
    const answers = await Promise.all(
      ranges.map((range) => this.#require((id) => ({ type: "evaluate", id, source, range }))),
    );
    return answers.flatMap((answer) => {
      if (answer.type === "evaluated") return answer.sums;
      throw new Error(`unexpected answer ${answer.type}`);
    });
  }

  #publishParameters(parameters: Vector): void {
    // the global model is shorter than a whole one
    if (this.#parameters?.byteLength !== parameters.byteLength)
      this.#parameters = new SharedArrayBuffer(parameters.byteLength);
    const view =
      parameters instanceof Float64Array ? new Float64Array(this.#parameters) : new Float32Array(this.#parameters);
    view.set(parameters);
    for (const thread of this.#threads) thread.post({ type: "parameters", buffer: this.#parameters });
  }
}

/** What a thread must know of a message. */
function publishing(version: number, { change, buffer, length }: SharedMessage): ToWorker {
  return { type: "publish", version, change, buffer, length };
}

function workerLost(message: string, where: string, cause: Error): AnabranchError {
  const advice = "Was memory short? Try fewer workers; resume continues from the last checkpoint.";
  return new AnabranchError({ code: "worker/lost", message, where, advice, cause });
}
