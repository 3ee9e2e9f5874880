import { AnabranchError, type Executable } from "@anabranch/engine";
import { describeFailure } from "../client/describe-failure.ts";
import { evaluateRange } from "../client/evaluate.ts";
import { type ClientData, runClient } from "../client/run-client.ts";
import { rebuiltVectors } from "../client/seeded-halves.ts";
import { integerCount } from "../privacy/secure-aggregation-encoding/index.ts";
import { type Broadcast, decodeBroadcast, encodeUpdate } from "../protocol/index.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { flooded, MOST_WAITING } from "./client-errors.ts";
import type { ClientReport, LocalExamples } from "./client-report.ts";
import { contentHashOf } from "./content-hash.ts";
import { type ClientMessage, INLINE_BYTES, type ServerMessage, type UploadAnswer } from "./control.ts";
import type { ClientTransport, KeptStates, Timers } from "./ports.ts";
import { rebuiltBroadcast } from "./rebuilt-broadcast.ts";
import type { SecureParticipant } from "./secure-participant.ts";
import type { OpenTask } from "./task-description.ts";
import { toldFailure } from "./withheld.ts";

type Task = Extract<ServerMessage, { type: "task" }>;
type Evaluate = Extract<ServerMessage, { type: "evaluate" }>;
type Secure = Extract<ServerMessage, { type: "secure" }>;
type Work = Task | Evaluate | Secure;
type Phase = Extract<ClientMessage, { type: "progress" }>["phase"];

export interface TaskPorts {
  readonly run: string;
  /** Of the run, and updates of each where they are asynchronous. */
  readonly rounds: number;
  readonly updatesPerRound: number | undefined;
  /** Clients of the run. */
  readonly population: number;
  readonly client: number;
  readonly open: OpenTask;
  readonly task: Executable;
  readonly evaluation: Executable;
  readonly examples: LocalExamples;
  readonly transport: ClientTransport;
  readonly states: KeptStates;
  /** Its part in secure aggregation; undefined where updates are sent as they are. */
  readonly participant: SecureParticipant | undefined;
  /** Refuses a model before it is trained, by the vectors that are trained on. */
  guard(vectors: Broadcast["vectors"]): void;
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
  readonly #wanted = new Map<string, Work>();
  /** The newest update, should the server ask for its order again. `blob` is what it was trained on. */
  #last:
    | { readonly order: string; readonly blob: string; readonly bytes: Uint8Array; readonly hash: string }
    | undefined;
  /** Orders that this client has begun. */
  #begun = 0;
  /** Messages that are not acted on yet. */
  #waiting = 0;
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

  /**
   * The same order may be given again after a lost connection, then the newer message counts. It is trained once.
   *
   * @throws `client/limit`
   */
  give(message: Work): void {
    if (this.#over) return;
    if (++this.#waiting > MOST_WAITING) throw flooded();
    const given = this.#attached;
    this.#wanted.set(message.order, message);
    this.#turn = this.#turn.then(() => this.#do(message, given));
  }

  closed(order: string): void {
    this.#wanted.delete(order);
  }

  /** @param given the connection that brought the message */
  async #do(message: Work, given: Attached | undefined): Promise<void> {
    const { order } = message;
    this.#waiting--;
    try {
      if (this.#isWanted(message)) await this.#work(message);
    } catch (error) {
      if (this.#over || !this.#isWanted(message)) return;
      // a server that was started again gives the order again when it has the model
      if (given !== this.#attached && isNotFound(error)) return;
      this.#ports.report({ type: "failed", order, ...describeFailure(error) });
      const { code, message: why } = toldFailure(error, this.#ports.open.task.stages);
      this.#attached?.send({ type: "failed", order, code, message: why.slice(0, 2000) });
    } finally {
      if (this.#isWanted(message)) this.#wanted.delete(order);
    }
  }

  /** False: the order was over before it was done, and may have been given again. */
  #isWanted(message: Work): boolean {
    return this.#wanted.get(message.order) === message;
  }

  #work(message: Work): Promise<void> {
    switch (message.type) {
      case "task":
        return this.#train(message);
      case "evaluate":
        return this.#evaluate(message);
      case "secure":
        return this.#takePart(message);
    }
  }

  async #train(task: Task): Promise<void> {
    const { order } = task;
    if (this.#last?.order !== order || this.#last.blob !== task.blob) {
      this.#begin(order);
      const { population } = this.#ports;
      const message = decodeBroadcast(
        await this.#download(task, longestBroadcast(this.#ports.open)),
        `broadcast of order ${order}`,
      );
      const spec = this.#ports.open.task;
      const { outcome, kept } = await this.#working(order, "training", async () => {
        const state = await this.#stateOf(task);
        const { broadcast, kept } = rebuiltBroadcast(spec, message, state, { ...task, population });
        this.#ports.guard({ ...broadcast.vectors, ...rebuiltVectors(spec, broadcast) });
        const outcome = await runClient(spec, this.#ports.task, {
          client: this.#ports.client,
          learningRate: task.learningRate,
          part: task.part,
          keys: task.keys,
          broadcast,
          state,
          data: this.#ports.examples.train,
        });
        return { outcome, kept };
      });
      const next = { ...outcome.state, ...kept };
      if (Object.keys(next).length > 0) await this.#ports.states.save(this.#ports.run, task.version, next);
      const { participant } = this.#ports;
      const bytes = encodeUpdate(participant === undefined ? outcome.update : participant.keep(outcome.update));
      this.#last = { order, blob: task.blob, bytes, hash: await contentHashOf(bytes) };
    }
    if (!this.#isWanted(task)) return;
    const { bytes, hash } = this.#last;
    const { report } = this.#ports;
    const answer = await this.#upload(order, bytes, hash);
    const accepted = answer.status === "accepted";
    const code = answer.status === "accepted" ? {} : { code: answer.code };
    report({ type: "uploaded", order, bytes: bytes.byteLength, accepted, ...code });
  }

  #upload(order: string, bytes: Uint8Array, hash: string): Promise<UploadAnswer> {
    const { transport } = this.#ports;
    return this.#working(order, "uploading", (progress) =>
      this.#whileConnected(({ session }) => transport.upload(session, order, hash, bytes, progress)),
    );
  }

  /** Answers a message of secure aggregation. An answer that is lost is given again when the server asks again. */
  async #takePart(message: Secure): Promise<void> {
    const { order, stage } = message;
    const { participant, report } = this.#ports;
    if (participant === undefined) throw unexpected(order, "begins a secure aggregation");
    const bytes = await this.#messageOf(message);
    const answer = await this.#working(order, "masking", async () =>
      participant.answer(stage, await contentHashOf(bytes), bytes),
    );
    if (!this.#isWanted(message)) return;
    if (answer.length > INLINE_BYTES) await this.#upload(order, answer, await contentHashOf(answer));
    else this.#attached?.send({ type: "answer", order, body: toBase64(answer) });
    report({ type: "answered", order, stage, bytes: answer.length });
  }

  async #messageOf(message: Secure): Promise<Uint8Array> {
    const most = longestSecureMessage(this.#ports.open);
    if (message.body === undefined) return this.#download(message, most);
    const bytes = fromBase64(message.body);
    if (bytes !== undefined) return bytes;
    throw new AnabranchError({
      code: "live/message",
      message: "the server has sent a message that is not base64",
      where: message.order,
      advice: "Install the server's version of Anabranch on this client.",
    });
  }

  async #evaluate(message: Evaluate): Promise<void> {
    this.#begin(message.order);
    const { open, evaluation, examples, participant, report } = this.#ports;
    if (participant !== undefined) throw unexpected(message.order, "requests an evaluation on this client's examples");
    const broadcast = decodeBroadcast(await this.#download(message, longestBroadcast(open)), message.order);
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
    const { rounds, updatesPerRound = 1 } = this.#ports;
    const most = 2 * rounds * (updatesPerRound + 1);
    if (++this.#begun > most) throw tooManyOrders(order, most);
  }

  /** @param most bytes: a server could else fill the memory of its clients */
  async #download({ order, blob, bytes }: Work, most: number): Promise<Uint8Array> {
    requireFitting(bytes, most, order);
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

function isNotFound(error: unknown): boolean {
  return error instanceof AnabranchError && error.code === "live/not-found";
}

/** Bytes for names and numbers that a broadcast may take beside its values. */
const BESIDE_VALUES = 65_536;

function longestBroadcast({ task, evaluation }: OpenTask): number {
  const pool = task.replay?.rule.kind === "pool" ? task.replay.rule.size : 0;
  // a coefficient for each direction of a pool, and perhaps a probability
  const broadcast = Object.values(task.broadcast).reduce((sum, { size }) => sum + size, 2 * pool);
  return 8 * Math.max(broadcast, evaluation.layout.size) + BESIDE_VALUES;
}

/** Bytes for keys, signatures and heads of the largest cohort that codes its masks. */
const BESIDE_MASKS = 2 ** 20;

/** Bytes of coded masks for the usual number of colluders, and more than other messages have. */
function longestSecureMessage({ task }: OpenTask): number {
  const { secureAggregation } = task.stages;
  return BESIDE_MASKS + (secureAggregation === undefined ? 0 : 16 * integerCount(secureAggregation));
}

/** Refuses a download that nothing of this run needs. */
function requireFitting(bytes: number, most: number, order: string): void {
  if (bytes <= most) return;
  throw new AnabranchError({
    code: "live/too-large",
    message: "the server announces more bytes than a message of the run can have",
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
    expected: `at most ${most}: all training and evaluation of every round, each twice`,
    advice: "If the server was restarted many times, join again.",
  });
}

/** One client's rows as a source of one client. */
function sourceOf(data: ClientData) {
  const counts = [data.features.shape[0]!];
  return { clients: 1, load: () => data, loadRange: () => ({ data, counts }) };
}

function unexpected(order: string, does: string): AnabranchError {
  return new AnabranchError({
    code: "live/order",
    message: `the server ${does}, which does not belong to the run that it has described`,
    where: order,
    advice: "Ask the operator of the server: it does not keep to its own description of the run.",
  });
}
