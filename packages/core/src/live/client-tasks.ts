import { AnabranchError, type Executable } from "@anabranch/engine";
import { evaluateRange } from "../client/evaluate.ts";
import { type ClientData, runClient } from "../client/run-client.ts";
import { decodeBroadcast, encodeUpdate } from "../protocol/index.ts";
import { describeFailure } from "../simulation/in-process.ts";
import type { ClientReport, LocalExamples } from "./client-report.ts";
import { contentHashOf } from "./content-hash.ts";
import type { ClientMessage, ServerMessage } from "./control.ts";
import type { ClientTransport, KeptStates, Timers } from "./ports.ts";
import type { OpenTask } from "./task-description.ts";

type Task = Extract<ServerMessage, { type: "task" }>;
type Evaluate = Extract<ServerMessage, { type: "evaluate" }>;
type Phase = Extract<ClientMessage, { type: "progress" }>["phase"];

export interface TaskPorts {
  readonly run: string;
  /** Of the run. */
  readonly rounds: number;
  readonly client: number;
  readonly open: OpenTask;
  readonly task: Executable;
  readonly evaluation: Executable;
  readonly examples: LocalExamples;
  readonly transport: ClientTransport;
  readonly states: KeptStates;
  readonly timers: Timers;
  /** A silent client counts as gone after so long. */
  readonly progressSeconds: number;
  report(event: ClientReport): void;
}

/** A connection in use. */
interface Attached {
  readonly session: string;
  send(message: ClientMessage): void;
}

/**
 * Does the orders of a client, one after the other. Work outlives a connection: what was trained while the server was
 * away is uploaded when it is back.
 */
export class ClientTasks {
  readonly #ports: TaskPorts;
  #attached: Attached | undefined;
  #whenAttached = Promise.withResolvers<Attached>();
  #turn: Promise<void> = Promise.resolve();
  /** The newest message of each order that is queued or under way. */
  readonly #wanted = new Map<string, Task | Evaluate>();
  /** The newest update, should the server ask for its order again. */
  #last: { readonly order: string; readonly bytes: Uint8Array; readonly hash: string } | undefined;
  /** Orders that this client has begun. */
  #begun = 0;
  #over = false;

  constructor(ports: TaskPorts) {
    this.#ports = ports;
  }

  attach(attached: Attached): void {
    this.#attached = attached;
    this.#whenAttached.resolve(attached);
  }

  detach(): void {
    if (this.#attached === undefined) return;
    this.#attached = undefined;
    this.#whenAttached = Promise.withResolvers();
  }

  /** Ends what is under way, without an upload. */
  async close(): Promise<void> {
    this.#over = true;
    this.#wanted.clear();
    this.#whenAttached.reject(new Error("the client has left"));
    this.#whenAttached.promise.catch(() => {});
    await this.#turn;
  }

  /** The same order may be given again after a lost connection: it is done once. */
  give(message: Task | Evaluate): void {
    if (this.#over || this.#wanted.has(message.order)) return;
    this.#wanted.set(message.order, message);
    this.#turn = this.#turn.then(() => this.#do(message));
  }

  closed(order: string): void {
    this.#wanted.delete(order);
  }

  async #do(message: Task | Evaluate): Promise<void> {
    const { order } = message;
    try {
      if (this.#isWanted(message)) await (message.type === "task" ? this.#train(message) : this.#evaluate(message));
    } catch (error) {
      if (this.#over) return;
      const { code, message: why } = describeFailure(error);
      this.#ports.report({ type: "failed", order, code, message: why });
      this.#attached?.send({ type: "failed", order, code, message: why.slice(0, 2000) });
    } finally {
      if (this.#isWanted(message)) this.#wanted.delete(order);
    }
  }

  /** False: the order was over before it was done, and may have been given again. */
  #isWanted(message: Task | Evaluate): boolean {
    return this.#wanted.get(message.order) === message;
  }

  async #train(task: Task): Promise<void> {
    const { order } = task;
    if (this.#last?.order !== order) {
      this.#begin(order);
      const broadcast = decodeBroadcast(await this.#download(task), `broadcast of order ${order}`);
      const outcome = await this.#working(order, "training", async () =>
        runClient(this.#ports.open.task, this.#ports.task, {
          client: this.#ports.client,
          learningRate: task.learningRate,
          part: task.part,
          keys: task.keys,
          broadcast,
          state: await this.#stateOf(task),
          data: this.#ports.examples.train,
        }),
      );
      if (Object.keys(outcome.state).length > 0)
        await this.#ports.states.save(this.#ports.run, task.version, outcome.state);
      const bytes = encodeUpdate(outcome.update);
      this.#last = { order, bytes, hash: await contentHashOf(bytes) };
    }
    if (this.#isWanted(task)) await this.#upload(this.#last);
  }

  async #upload({ order, bytes, hash }: { order: string; bytes: Uint8Array; hash: string }): Promise<void> {
    const { transport, report } = this.#ports;
    const answer = await this.#working(order, "uploading", (progress) =>
      this.#whileConnected(({ session }) => transport.upload(session, order, hash, bytes, progress)),
    );
    const accepted = answer.status === "accepted";
    const code = answer.status === "accepted" ? {} : { code: answer.code };
    report({ type: "uploaded", order, bytes: bytes.byteLength, accepted, ...code });
  }

  async #evaluate(message: Evaluate): Promise<void> {
    this.#begin(message.order);
    const { open, evaluation, examples, report } = this.#ports;
    const broadcast = decodeBroadcast(await this.#download(message), message.order);
    const rows = examples.holdout;
    const { evaluation: plan } = open;
    const none = { loss: 0, score: 0, examples: 0 };
    const [sums = none] =
      rows === undefined
        ? []
        : await evaluateRange(plan, evaluation, broadcast.vectors["parameters"]!, sourceOf(rows), [0, 1]);
    this.#attached?.send({ type: "evaluated", order: message.order, ...sums });
    report({ type: "evaluated", examples: sums.examples });
  }

  /** A server that goes back repeats rounds, but none has its clients train for ever. */
  #begin(order: string): void {
    const most = 4 * this.#ports.rounds;
    if (++this.#begun > most) throw tooManyOrders(order, most);
  }

  async #download({ order, blob, bytes }: Task | Evaluate): Promise<Uint8Array> {
    requireFitting(bytes, this.#ports.open, order);
    return this.#working(order, "downloading", (progress) =>
      this.#whileConnected(({ session }) => this.#ports.transport.download(session, blob, bytes, progress)),
    );
  }

  async #stateOf({ stateOf }: Task) {
    if (stateOf === undefined) return undefined;
    const state = await this.#ports.states.load(this.#ports.run, stateOf);
    if (state !== undefined) return state;
    throw new AnabranchError({
      code: "client/state-lost",
      message: "this client no longer has the state that it kept in an earlier round",
      where: `run ${this.#ports.run}, round ${stateOf}`,
      advice:
        "Start the client with the folder that it had; this method cannot continue on a client without its state.",
    });
  }

  /** Tries again on the next connection where one is lost. */
  async #whileConnected<T>(use: (attached: Attached) => Promise<T>): Promise<T> {
    while (true) {
      const attached = this.#attached ?? (await this.#whenAttached.promise);
      try {
        return await use(attached);
      } catch (error) {
        const lost = error instanceof AnabranchError && error.code === "live/connection";
        if (!lost || this.#over) throw error;
        // the control connection tells soon whether the server is still there
        if (this.#attached === attached) await this.#pause(1);
      }
    }
  }

  /** Work in a phase that the server hears of until it is done. */
  async #working<T>(order: string, phase: Phase, work: (progress: (share: number) => void) => Promise<T>): Promise<T> {
    const { timers, progressSeconds, report } = this.#ports;
    let share = 0;
    const tell = () => {
      this.#attached?.send({ type: "progress", order, phase, share });
      report({ type: "progress", order, phase, share });
    };
    let cancel = () => {};
    const repeat = () => {
      tell();
      cancel = timers.after((progressSeconds * 1000) / 4, repeat);
    };
    repeat();
    try {
      return await work((next) => {
        share = Math.min(1, Math.max(share, next));
      });
    } finally {
      cancel();
    }
  }

  #pause(seconds: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.timers.after(seconds * 1000, resolve));
  }
}

/** Bytes for names and numbers that a broadcast may take beside its values. */
const BESIDE_VALUES = 65_536;

/** Refuses a download that no model of this run needs: a server could else fill the memory of its clients. */
function requireFitting(bytes: number, { task, evaluation }: OpenTask, order: string): void {
  const broadcast = Object.values(task.broadcast).reduce((sum, { size }) => sum + size, 0);
  const most = 8 * Math.max(broadcast, evaluation.layout.size) + BESIDE_VALUES;
  if (bytes <= most) return;
  throw new AnabranchError({
    code: "live/too-large",
    message: "the server announces more bytes than the run's model can have",
    where: `order ${order}`,
    received: `${bytes} bytes`,
    expected: `at most ${most} bytes`,
    advice: "Ask the operator of the server: it does not keep to its own description of the run.",
  });
}

function tooManyOrders(order: string, most: number): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: "the server has given this client more orders than the run can have",
    where: `order ${order}`,
    expected: `at most ${most}: training and evaluation of every round, each twice`,
    advice: "If the server was restarted many times, join again.",
  });
}

/** One client's rows as a source of one client. */
function sourceOf(data: ClientData) {
  const counts = [data.features.shape[0]!];
  return { clients: 1, load: () => data, loadRange: () => ({ data, counts }) };
}
