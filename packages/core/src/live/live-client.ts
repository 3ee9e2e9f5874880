import { AnabranchError, type Executable, type Executor, fingerprint, loadProgram } from "@anabranch/engine";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { requireHonestLayers } from "../audit/broadcast-guard.ts";
import type { Layout } from "../params/layout.ts";
import { bestCurves, type Curves } from "../privacy/secure-aggregation/curves.ts";
import { secureEntropy } from "../privacy/secure-aggregation/entropy.ts";
import type { Broadcast } from "../protocol/index.ts";
import { VERSION } from "../version.ts";
import { toBase64 } from "./base64.ts";
import { clientPrivacyOf } from "./client-epsilon.ts";
import { badNames, changedRun, flooded, MOST_WAITING, otherRun, unmasked, unreachable } from "./client-errors.ts";
import {
  type ClientLimits,
  requireAllowed,
  requireModelAllowed,
  requirePrivacy,
  requireTaskAllowed,
  USUAL_LIMITS,
} from "./client-limits.ts";
import type { ClientReport, LocalExamples } from "./client-report.ts";
import { ClientTasks } from "./client-tasks.ts";
import { type ClientMessage, LIVE_VERSION, proofText, type ServerMessage } from "./control.ts";
import { decodeNames } from "./data-names.ts";
import type { ClientIdentity, ClientTransport, KeptStates, SecureRecords, Timers } from "./ports.ts";
import { readReceived, readServerMessage } from "./read-message.ts";
import { SecureParticipant } from "./secure-participant.ts";
import { type OpenTask, openTask, type TaskDescription, taskDescription } from "./task-description.ts";
import { unlessLeft } from "./unless-left.ts";
import { withholdsMetadata } from "./withheld.ts";

export interface LiveClientOptions {
  readonly run: string;
  readonly token: string;
  readonly transport: ClientTransport;
  readonly identity: ClientIdentity;
  readonly states: KeptStates;
  readonly records: SecureRecords;
  /** Default: the platform's, or portable ones. */
  readonly curves?: Curves | undefined;
  readonly executor: Executor;
  readonly timers: Timers;
  /** In [0, 1), for jitter. */
  random(): number;
  /** The client's examples, conforming to the description. */
  data(description: TaskDescription, client: number): Promise<LocalExamples>;
  /** The algorithm of the client's own file, where its operator has started it with one. */
  algorithm?(description: TaskDescription): Promise<Algorithm | undefined>;
  /** Builds its programs; default: `openTask`. Clients of one process can share what it returns. */
  readonly openTask?: typeof openTask | undefined;
  /** What a server may request; default: the usual limits. */
  readonly limits?: ClientLimits | undefined;
  readonly client?: number | undefined;
  readonly name?: string | undefined;
  readonly labels?: Record<string, string> | undefined;
  /** Time without a connection after which the client gives up. */
  readonly giveUpAfterSeconds: number;
  report(event: ClientReport): void;
  /** Aborted: the client leaves. */
  readonly signal?: AbortSignal | undefined;
}

/** How a client's part in a run has ended. */
export interface LiveClientResult {
  /** As the run says; "left" where the client has left it. */
  readonly stopped: string;
  readonly round: number;
  readonly modelHash: string | undefined;
}

/** How a connection has ended. */
type Ending =
  | { readonly kind: "over"; readonly result: LiveClientResult }
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "refused"; readonly error: unknown };

interface Prepared {
  readonly description: TaskDescription;
  readonly open: OpenTask;
  readonly task: Executable;
  readonly evaluation: Executable;
  readonly examples: LocalExamples;
  readonly tasks: ClientTasks;
}

const FIRST_WAIT_SECONDS = 0.5;
const LONGEST_WAIT_SECONDS = 30;
/** A server that is slow to welcome its clients has so long, even where they give up sooner. */
const WELCOME_SECONDS = 60;
const LEFT: LiveClientResult = { stopped: "left", round: 0, modelHash: undefined };

/**
 * Takes part in a live run until it is over. Comes back after lost connections, with jittered waits that double; work that
 * is under way goes on meanwhile.
 *
 * @throws `live/...` where the server refuses the client, `live/unreachable` where there is no connection for too long
 *
 * @example
 * ```ts
 * import { runLiveClient, systemTimers } from "@anabranch/core/live";
 * import { interpreter } from "@anabranch/engine";
 * const gone = async () => Promise.reject(new Error("no server"));
 * const result = await runLiveClient({
 *   ...{ run: "run", token: "secret", executor: interpreter(), timers: systemTimers, random: Math.random },
 *   transport: { origin: "http://localhost", connect: gone, download: gone, upload: gone },
 *   identity: { publicKey: "", sign: async () => new Uint8Array(64) },
 *   states: { load: async () => undefined, save: async () => {} },
 *   records: { load: async () => undefined, save: async () => {} },
 *   ...{ data: gone, report: () => {}, giveUpAfterSeconds: 60 },
 *   signal: AbortSignal.abort(), // the client leaves at once
 * });
 * result.stopped; // => "left"
 * ```
 */
export async function runLiveClient(options: LiveClientOptions): Promise<LiveClientResult> {
  const client = new LiveClient(options);
  try {
    return await client.run();
  } finally {
    await client.close();
  }
}

class LiveClient {
  readonly #options: LiveClientOptions;
  #prepared: Prepared | undefined;
  /** When the last connection to the server has ended. */
  #lastSeen: number;
  /** Since the server has last welcomed this client. */
  #attempt = 0;
  #isClosed = false;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.#lastSeen = options.timers.now();
  }

  async run(): Promise<LiveClientResult> {
    const { timers, report, giveUpAfterSeconds, random, signal } = this.#options;
    while (signal?.aborted !== true) {
      report({ type: "connecting", attempt: ++this.#attempt });
      const ending = await this.#connect().catch((error: unknown): Ending => endingOf(error));
      if (ending.kind === "over") return ending.result;
      if (ending.kind === "refused") throw ending.error;
      const { reason } = ending;
      if (timers.now() - this.#lastSeen > giveUpAfterSeconds * 1000) throw unreachable(reason, giveUpAfterSeconds);
      const longest = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** this.#attempt);
      const retryInSeconds = longest * (0.5 + 0.5 * random());
      report({ type: "disconnected", reason, retryInSeconds });
      await this.#wait(retryInSeconds);
    }
    return LEFT;
  }

  /** What is being prepared is released when it is there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#prepared === undefined) return;
    const { tasks, task, evaluation } = this.#prepared;
    await tasks.close();
    await task.release();
    await evaluation.release();
  }

  /** One connection, from its start to its end. */
  async #connect(): Promise<Ending> {
    const { transport, timers, signal, giveUpAfterSeconds } = this.#options;
    const { promise, resolve: end } = Promise.withResolvers<Ending>();
    const ready = Promise.withResolvers<(message: ClientMessage) => void>();
    let turn: Promise<unknown> = Promise.resolve();
    let isOver = false;
    let waiting = 0;
    const handle = async (text: string) => {
      const send = await ready.promise; // a message may come with the connection
      waiting--;
      if (isOver) return;
      const ending = await this.#handle(readServerMessage(text), send, () => isOver);
      if (ending !== undefined) end(ending);
    };
    const opening = transport.connect({
      closed: (reason) => end({ kind: "lost", reason }),
      message(text) {
        if (++waiting > MOST_WAITING) return end({ kind: "refused", error: flooded() });
        turn = turn.then(() => handle(text)).catch((error: unknown) => end(endingOf(error)));
      },
    });
    const link = await unlessLeft(opening, signal);
    if (link === undefined) {
      const tooLate = opening.then((late) => late.close());
      tooLate.catch(() => {}); // it may not have opened at all
      return { kind: "over", result: LEFT };
    }
    const send = (message: ClientMessage) => link.send(JSON.stringify(message));
    ready.resolve(send);
    const leave = () => {
      send({ type: "leave" });
      end({ kind: "over", result: LEFT });
    };
    if (signal?.aborted === true) leave();
    signal?.addEventListener("abort", leave, { once: true });
    const cancel = timers.after(1000 * Math.max(WELCOME_SECONDS, giveUpAfterSeconds), () => {
      if (this.#attempt > 0) end({ kind: "lost", reason: "the server has not welcomed this client" });
    });
    const ending = await promise;
    cancel();
    isOver = true;
    signal?.removeEventListener("abort", leave);
    link.close();
    // what it has begun ends before the next connection, which else would prepare it again
    if (ending.kind === "lost") await unlessLeft(turn, signal);
    if (this.#attempt === 0) this.#lastSeen = timers.now();
    this.#prepared?.tasks.detach();
    return ending;
  }

  async #handle(
    message: ServerMessage,
    send: (message: ClientMessage) => void,
    isOver: () => boolean,
  ): Promise<Ending | undefined> {
    switch (message.type) {
      case "challenge":
        await this.#answer(message.nonce, send);
        return undefined;
      case "welcome":
        await this.#welcome(message, send, isOver);
        return undefined;
      case "task":
      case "evaluate":
      case "secure":
        this.#prepared?.tasks.give(message);
        return undefined;
      case "closed":
        this.#prepared?.tasks.closed(message.order);
        return undefined;
      case "refused":
        if (message.retry) return { kind: "lost", reason: message.message };
        return {
          kind: "refused",
          error: new AnabranchError({ ...pick(message), where: this.#options.transport.origin }),
        };
      case "finished": {
        const { round, stopped, modelHash } = message;
        this.#options.report({ type: "finished", round, stopped, modelHash });
        return { kind: "over", result: { round, stopped, modelHash } };
      }
    }
  }

  async #answer(nonce: string, send: (message: ClientMessage) => void): Promise<void> {
    const { run, token, identity, transport, client, name, labels } = this.#options;
    send({
      type: "hello",
      v: LIVE_VERSION,
      package: VERSION,
      run,
      token,
      publicKey: identity.publicKey,
      ...(name === undefined ? {} : { name }),
      ...(labels === undefined ? {} : { labels }),
      ...(client === undefined ? {} : { client }),
    });
    const signature = await identity.sign(proofText(run, nonce, transport.origin));
    send({ type: "prove", signature: toBase64(signature) });
  }

  async #welcome(
    message: Extract<ServerMessage, { type: "welcome" }>,
    send: (message: ClientMessage) => void,
    isOver: () => boolean,
  ) {
    const { executor, report } = this.#options;
    this.#attempt = 0;
    const prepared = await this.#prepare(message);
    if (isOver()) return; // its session is dead
    const { description, examples, open, tasks } = prepared;
    const count = examples.train.features.shape[0]!;
    tasks.attach({ session: message.session, send });
    const privacy = clientPrivacyOf(description);
    report({
      ...{ type: "joined", client: message.client, description, examples: count },
      ...(privacy === undefined ? {} : { privacy }),
    });
    send({
      type: "ready",
      layoutHash: open.task.layoutHash,
      programHash: open.task.program.hash,
      ...(withholdsMetadata(description.stages) ? {} : { examples: count }),
      executor: `${executor.name} ${executor.version}`,
      fingerprint: await fingerprint(executor),
    });
  }

  /** Builds programs and loads examples; once, as long as the server describes the same task. */
  async #prepare(welcome: Extract<ServerMessage, { type: "welcome" }>) {
    const { client, session, description: given, progressSeconds } = welcome;
    const description = readReceived(taskDescription, given, "a task description");
    const known = this.#prepared;
    if (description.run !== this.#options.run) throw otherRun(description.run, this.#options.run);
    if (known !== undefined && JSON.stringify(known.description) === JSON.stringify(description)) return known;
    // a server could have its clients build programs for ever
    if (known !== undefined) throw changedRun();
    const { executor, transport, states, timers, report, limits = USUAL_LIMITS } = this.#options;
    requireAllowed(limits, description);
    requirePrivacy(limits, description);
    const own = await this.#options.algorithm?.(description);
    const build = this.#options.openTask ?? openTask;
    const values = await this.#heldValues(session, description);
    const allow = (payloads: Payloads) => requireModelAllowed(limits, payloads, description);
    const open = build(description, own, allow, values);
    const examples = await this.#options.data(await this.#withNames(session, description), client);
    requireTaskAllowed(limits, description, open.task, examples);
    const task = await loadProgram(executor, open.task.program);
    const evaluation = await executor.load(open.evaluation.program);
    const run = description.run;
    const participant = await this.#participant(description, client, open);
    const { rounds, updatesPerRound, population } = description;
    const about = { run, rounds, updatesPerRound, population, client };
    const mine = { ...about, open, task, evaluation, examples, participant };
    const guard = modelGuard(limits, open.evaluation.layout);
    const ports = { ...mine, guard, transport, states, timers, progressSeconds, report };
    this.#prepared = { description, open, task, evaluation, examples, tasks: new ClientTasks(ports) };
    if (this.#isClosed) await this.close();
    return this.#prepared;
  }

  /** Initial weights that this client cannot derive. */
  async #heldValues(session: string, { parameters }: TaskDescription): Promise<Uint8Array | undefined> {
    const values = parameters?.values;
    return values && this.#options.transport.download(session, values.hash, values.bytes, () => {});
  }

  /** The description with the names that it was too short for. */
  async #withNames(session: string, description: TaskDescription): Promise<TaskDescription> {
    const { names, ...data } = description.data;
    if (names === undefined) return description;
    const found = decodeNames(await this.#options.transport.download(session, names.hash, names.bytes, () => {}));
    if (found === undefined) throw badNames();
    const { classNames, vocabulary, table } = found;
    const all = {
      ...(classNames && { classNames: [...classNames] }),
      ...(vocabulary && { vocabulary: [...vocabulary] }),
      ...(table && { table }),
    };
    return { ...description, data: { ...data, ...all } };
  }

  async #participant({ run, population, rounds }: TaskDescription, client: number, { task }: OpenTask) {
    const settings = task.stages.secureAggregation;
    const { identity, records, limits = USUAL_LIMITS } = this.#options;
    if (settings === undefined) {
      if ((await records.load(run)) !== undefined) throw unmasked();
      return undefined;
    }
    const { leastClients } = limits;
    const curves = this.#options.curves ?? (await bestCurves());
    const ports = { run, client, population, rounds, settings, identity, records, leastClients, curves };
    return new SecureParticipant({ ...ports, entropy: secureEntropy() });
  }

  /** Ends early where the client leaves. */
  async #wait(seconds: number): Promise<void> {
    const { timers, signal } = this.#options;
    if (signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = timers.after(seconds * 1000, resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    cancel();
  }
}

function pick({ code, message, advice }: { code: string; message: string; advice?: string | undefined }) {
  return { code, message, ...(advice === undefined ? {} : { advice }) };
}

function endingOf(error: unknown): Ending {
  const lost = error instanceof AnabranchError && error.code === "live/connection";
  return lost ? { kind: "lost", reason: error.failure.message } : { kind: "refused", error };
}

/** Looks at each model before it is trained, as one could be made to read examples off its update. */
function modelGuard({ anyModel = false }: ClientLimits, layout: Layout): (vectors: Broadcast["vectors"]) => void {
  return ({ parameters }) => {
    if (!anyModel && parameters?.length === layout.size) requireHonestLayers(parameters, layout);
  };
}
