import type { Vector } from "../params/vector.ts";
import { type Curves, portableCurves } from "../privacy/secure-aggregation/curves.ts";
import type { Backend, EvaluationSums } from "../round/backend.ts";
import type { BlobStore } from "../round/blob-store.ts";
import type { ClientStateStore } from "../round/client-state.ts";
import { toBase64 } from "./base64.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { blobName } from "./content-hash.ts";
import { type ClientMessage, messageId, type ServerMessage, type UploadAnswer } from "./control.ts";
import { type HeldStates, heldStates } from "./held-states.ts";
import { HoldoutEvaluation } from "./holdout-evaluation.ts";
import { LiveOrders, type OrderSettings } from "./orders.ts";
import type { ArrivedUpdate, EnrolledClient, Ledger, Link, ListedToken, Timers, TokenOptions } from "./ports.ts";
import { Presence } from "./presence.ts";
import { Roll } from "./roll.ts";
import { StageCourier } from "./stage-courier.ts";
import type { LiveNotice, LiveStatus } from "./status.ts";
import type { TaskDescription } from "./task-description.ts";
import { withholdsMetadata } from "./withheld.ts";

/** A run that clients can join. */
export interface LiveRun extends OrderSettings {
  readonly description: TaskDescription;
  /** The blob of `description.data.names`. */
  readonly names?: Uint8Array | undefined;
  /** The blob of `description.parameters.values`. */
  readonly held?: Uint8Array | undefined;
  /** Clients that have to be there before the first order goes out. */
  readonly minimumClients: number;
}

/** How a run has ended. */
export interface RunEnding {
  readonly round: number;
  readonly stopped: string;
  readonly modelHash: string;
}

export interface LivePorts {
  readonly ledger: Ledger;
  readonly blobs: BlobStore;
  readonly timers: Timers;
  /** Default: portable ones. */
  readonly curves?: Curves | undefined;
  randomBytes(count: number): Uint8Array;
  notice(event: LiveNotice): void;
}

/**
 * The server of a live run, without sockets: connections come in, orders go out, updates come back.
 *
 * @example
 * ```ts
 * import { memoryBlobStore } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask, LiveServer, MemoryLedgers, systemTimers } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "fedavg" });
 * const limits = { progressSeconds: 600, longestSeconds: 3600, maxUpdateBytes: 2 ** 20, keptVersions: 1 };
 * const run = { description: describeTask(config, live), minimumClients: 4, releasesOnce: false, ...limits };
 * const server = await LiveServer.open(run, {
 *   ...{ ledger: await new MemoryLedgers().open("run-1"), blobs: memoryBlobStore(), timers: systemTimers },
 *   ...{ randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)), notice: () => {} },
 * });
 * server.state; // => "waiting"
 * ```
 */
export class LiveServer {
  readonly #run: LiveRun;
  readonly #ports: LivePorts;
  readonly #roll: Roll;
  readonly #states: HeldStates;
  readonly #orders: LiveOrders;
  readonly #holdouts: HoldoutEvaluation;
  readonly #presence: Presence;
  readonly #courier: StageCourier;
  readonly #host: ConnectionHost;
  #started = false;
  #paused = false;
  #stopping = false;
  #ending: RunEnding | "failed" | undefined;
  #round = 0;

  private constructor(run: LiveRun, ports: LivePorts, roll: Roll) {
    this.#run = run;
    this.#ports = ports;
    this.#roll = roll;
    const { ledger, blobs, timers } = ports;
    this.#states = heldStates((round) => this.#orders.saved(round));
    this.#presence = new Presence(timers);
    const send = (client: number, message: ServerMessage) => this.#presence.send(client, message);
    const withheld = withholdsMetadata(run.description.stages);
    const examplesOf = (client: number) => (withheld ? "withheld" : this.#presence.statusOf(client).examples);
    const enrolled = (client: number) => roll.has(client);
    const states = this.#states;
    const ready = () => this.#presence.ready;
    this.#orders = new LiveOrders({ ledger, blobs, timers, states, enrolled, examplesOf, ready, send }, run);
    this.#courier = new StageCourier({ blobs, timers, send }, run);
    this.#holdouts = new HoldoutEvaluation({ blobs, timers, send }, run.progressSeconds);
    this.#host = this.#connectionHost();
  }

  static async open(run: LiveRun, ports: LivePorts): Promise<LiveServer> {
    const { names } = run.description.data;
    if (names !== undefined && run.names !== undefined) await ports.blobs.put(blobName(names.hash), run.names);
    const values = run.description.parameters?.values;
    if (values !== undefined && run.held !== undefined) await ports.blobs.put(blobName(values.hash), run.held);
    return new LiveServer(run, ports, await Roll.open(ports.ledger, ports.timers, run.description.population));
  }

  get backend(): Backend {
    return this.#orders;
  }

  /** States stay with the clients; this has their versions. */
  get clientStates(): ClientStateStore {
    return this.#states;
  }

  /** What carries the messages of secure aggregation. */
  get courier(): StageCourier {
    return this.#courier;
  }

  /** The clients of the run, with the keys that they are known by. */
  readonly enrolled = (): readonly EnrolledClient[] => this.#roll.clients;

  /** Takes a control connection. */
  connect(link: Link): { message(text: string): void; closed(): void } {
    const connection = new Connection(link, this.#host);
    if (this.#ending === "failed") refuseFailed(connection);
    return { message: (text) => connection.message(text), closed: () => connection.closed() };
  }

  /** Whose session it is. */
  clientOf(session: string): number | undefined {
    return this.#presence.clientOf(session);
  }

  async mayFetch(session: string, hash: string): Promise<boolean> {
    const client = this.clientOf(session);
    if (client === undefined) return false;
    const { data, parameters } = this.#run.description;
    if (hash === data.names?.hash || hash === parameters?.values?.hash) return true;
    return (
      this.#courier.addressed(client, hash) || this.#holdouts.published(hash) || (await this.#orders.published(hash))
    );
  }

  /** Whether an upload is still waited for. Unlike `mayUpload` this is no progress of the client. */
  isOpen(client: number, order: string): boolean {
    return (isMessage(order) ? this.#courier : this.#orders).isOpen(client, order);
  }

  /** Asked before the first byte of an upload; undefined: it may come. What was accepted before is not sent again. */
  async mayUpload(client: number, order: string, hash: string, bytes: number): Promise<UploadAnswer | undefined> {
    if (isMessage(order)) return this.#courier.mayUpload(client, order, hash, bytes);
    return this.#orders.mayUpload(client, order, hash, bytes);
  }

  /** Judges an update, or an answer of secure aggregation, that has arrived whole. */
  async uploaded(client: number, order: string, update: ArrivedUpdate): Promise<UploadAnswer> {
    if (isMessage(order)) {
      this.#presence.idle(client, { bytesUp: this.#presence.statusOf(client).bytesUp + update.bytes });
      return this.#courier.uploaded(client, order, update);
    }
    const answer = await this.#orders.uploaded(client, order, update);
    const { accepted, failed, bytesUp } = this.#presence.statusOf(client);
    const counted = answer.status === "accepted" ? { accepted: accepted + 1 } : { failed: failed + 1 };
    this.#presence.idle(client, { ...counted, bytesUp: bytesUp + update.bytes });
    this.#ports.notice({ type: "upload", client, order, answer: answer.status });
    return answer;
  }

  /** Sums over the hold-out rows of the clients that are there; the others count no examples. */
  evaluateClients(parameters: Vector): Promise<readonly EvaluationSums[]> {
    return this.#holdouts.evaluate(parameters, this.#presence.ready, this.#run.description.population);
  }

  /** Gives out no further work. A run that is stopping ends all the same. */
  pause(): void {
    if (this.#stopping) return;
    this.#paused = true;
    this.#gate();
  }

  resume(): void {
    this.#paused = false;
    this.#gate();
  }

  /** The run ends with its round: what was paused continues until then. */
  stop(): void {
    this.#stopping = true;
    this.resume();
  }

  /** Its orders fail and it may not come back until it is readmitted; false: there is no such client. */
  async eject(client: number): Promise<boolean> {
    if (!(await this.#roll.setStatus(client, "ejected"))) return false;
    this.#presence.connectionOf(client)?.refuse("live/ejected", "the operator has ejected this client", false);
    this.#orders.gone(client, "live/ejected", "the operator has ejected this client");
    this.#courier.gone(client);
    return true;
  }

  readmit(client: number): Promise<boolean> {
    return this.#roll.setStatus(client, "enrolled");
  }

  /** A new join token. It is not stored. */
  async addToken(options: TokenOptions = {}): Promise<string> {
    const token = toBase64(this.#ports.randomBytes(24)).replaceAll("+", "-").replaceAll("/", "_");
    await this.#roll.addToken(token, options);
    return token;
  }

  /** Makes a token known that was made elsewhere. */
  acceptToken(token: string, options: TokenOptions = {}): Promise<void> {
    return this.#roll.addToken(token, options);
  }

  /** All join tokens, by their hashes. */
  tokens(): readonly ListedToken[] {
    return this.#roll.tokens;
  }

  revokeToken(hash: string): Promise<boolean> {
    return this.#roll.revokeToken(hash);
  }

  /** The round that is being trained, for `status`. */
  set round(round: number) {
    this.#round = round;
  }

  /** Whether as many clients have been there as the run waits for. */
  get started(): boolean {
    return this.#started;
  }

  get state(): LiveStatus["state"] {
    if (this.#ending === "failed") return this.#stopping ? "finished" : "failed";
    if (this.#ending !== undefined) return "finished";
    if (this.#stopping) return "stopping";
    if (this.#paused) return "paused";
    return this.#started ? "running" : "waiting";
  }

  status(): LiveStatus {
    const { description, minimumClients } = this.#run;
    const { run, population, rounds } = description;
    const { state } = this;
    const now = this.#ports.timers.now();
    const clients = this.#roll.clients.map(({ client, name, labels, status }) => {
      const { lastSeen, ...known } = this.#presence.statusOf(client);
      const lastSeenSeconds = lastSeen === undefined ? undefined : (now - lastSeen) / 1000;
      return { client, name, labels, status, ...known, lastSeenSeconds };
    });
    return { run, state, round: this.#round, rounds, population, minimumClients, clients };
  }

  /** Tells all clients that the run is over, also those that come back later. Does not wait for them. */
  finish(ending: RunEnding): void {
    this.#end(ending);
    for (const client of this.#presence.ready) this.#dismiss(client, ending);
  }

  /** The run cannot continue here. Its clients are told to come back: it may be resumed. */
  fail(): void {
    this.#end("failed");
    for (const connection of this.#presence.connections) refuseFailed(connection);
  }

  #end(ending: RunEnding | "failed"): void {
    this.#ending = ending;
    this.#roll.close();
    this.#orders.close();
    this.#holdouts.close();
    this.#courier.close();
  }

  #dismiss(client: number, ending: RunEnding): void {
    this.#presence.send(client, { type: "finished", ...ending });
    this.#presence.connectionOf(client)?.link.close();
  }

  #connectionHost(): ConnectionHost {
    const { description, progressSeconds } = this.#run;
    const { timers, curves = portableCurves() } = this.#ports;
    return {
      ...{ run: description.run, description, progressSeconds, roll: this.#roll, timers, curves },
      randomBytes: (count) => this.#ports.randomBytes(count),
      admitted: (client, connection) => this.#admitted(client, connection),
      ready: (client, { examples }) => this.#ready(client, examples),
      received: (client, message) => this.#received(client, message),
      closed: (client, connection, left) => this.#closed(client, connection, left),
      failed: (error) => this.#ports.notice({ type: "error", error: String(error) }),
    };
  }

  #admitted({ client }: EnrolledClient, connection: Connection): void {
    const advice = "Give each client a folder of its own.";
    const older = this.#presence.add(client, connection);
    older?.refuse("live/replaced", "the same identity has connected from elsewhere", false, advice);
  }

  #ready(client: number, examples: number | undefined): void {
    this.#presence.setReady(client, examples);
    this.#ports.notice({ type: "joined", client });
    if (this.#ending !== undefined) {
      if (this.#ending !== "failed") this.#dismiss(client, this.#ending);
      else for (const connection of this.#presence.connections) refuseFailed(connection);
      return;
    }
    if (this.#presence.ready.length >= this.#run.minimumClients) this.#started = true;
    this.#gate();
    this.#orders.connected(client);
    this.#courier.connected(client);
  }

  #received(client: number, message: ClientMessage): void {
    if (message.type === "progress") {
      this.#orders.progress(client, message.order);
      this.#courier.progress(client, message.order);
      this.#presence.update(client, { phase: message.phase, share: message.share, order: message.order });
    } else if (message.type === "failed") {
      const { order, code, message: why } = message;
      this.#presence.idle(client, { failed: this.#presence.statusOf(client).failed + 1 });
      this.#ports.notice({ type: "failed", client, order, code });
      this.#orders.failed(client, order, code, why);
      this.#courier.failed(client, order, code, why);
    } else if (message.type === "answer") {
      const { order, body } = message;
      this.#presence.idle(client, { bytesUp: this.#presence.statusOf(client).bytesUp + (body.length * 3) / 4 });
      this.#courier.answered(client, order, body);
    } else if (message.type === "evaluated") {
      this.#holdouts.answered(client, message);
    }
  }

  #closed(client: number, connection: Connection, left: boolean): void {
    if (!this.#presence.remove(client, connection)) return;
    this.#ports.notice({ type: "gone", client, left });
    this.#holdouts.gone(client);
    if (!left) return;
    this.#orders.gone(client, "client/left", "the client has left the run");
    this.#courier.gone(client);
  }

  #gate(): void {
    this.#orders.open = this.#started && !this.#paused;
  }
}

/** Whether an upload answers a message of secure aggregation. */
function isMessage(upload: string): boolean {
  return messageId.safeParse(upload).success;
}

function refuseFailed(connection: Connection): void {
  connection.refuse("live/run-failed", "the run has stopped on the server; it may be resumed", true);
}
