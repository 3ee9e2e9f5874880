import type { Broadcast } from "../protocol/index.ts";
import type { Backend, FailedOutcome, Order, Outcome } from "../round/backend.ts";
import type { BlobStore } from "../round/blob-store.ts";
import type { WorkRequest } from "../schedule/index.ts";
import { blobName } from "./content-hash.ts";
import { refusedUpload, type ServerMessage, type UploadAnswer } from "./control.ts";
import type { HeldStates } from "./held-states.ts";
import { LiveArrivals } from "./live-arrivals.ts";
import type { ArrivedUpdate, Ledger, Timers } from "./ports.ts";
import { type Patience, ProgressDeadline } from "./progress-deadline.ts";
import { failedOutcome, readUpdate } from "./read-update.ts";
import { lostLedger, secondRelease } from "./release-errors.ts";
import { type StoredBroadcast, storeBroadcast } from "./store-broadcast.ts";

/** What the orders of a run act on. */
export interface OrderPorts {
  readonly ledger: Ledger;
  readonly blobs: BlobStore;
  readonly timers: Timers;
  readonly states: HeldStates;
  /** Whether somebody holds this number; nobody waits for one that has never joined or was ejected. */
  enrolled(client: number): boolean;
  /** Examples that a client has declared; undefined where it has not joined since the server started. */
  examplesOf(client: number): number | "withheld" | undefined;
  /** Connected clients that can train. */
  ready(): readonly number[];
  /** Sends to a client; false: it is not connected. */
  send(client: number, message: ServerMessage): boolean;
}

/** How long a client may take for an order, and what is kept. */
export interface OrderSettings extends Patience {
  /** Longest encoded update. */
  readonly maxUpdateBytes: number;
  /** Versions whose updates a resumed run may still ask for. */
  readonly keptVersions: number;
  /**
   * No version of the model is made twice, for whatever clients: in private runs that would be a second release of the
   * same updates, which epsilon does not count.
   */
  readonly releasesOnce: boolean;
}

/** An order that was given out and has no outcome yet, or whose outcome nobody took yet. */
interface Given {
  readonly order: Order;
  readonly stateOf: number | undefined;
  /** An accepted update is named by its hash: it stays in the store until it is folded. */
  readonly outcome: PromiseWithResolvers<FailedOutcome | { readonly hash: string }>;
  /** Of the broadcast, once the order is in the ledger. */
  version: StoredBroadcast | undefined;
  /** Resolves when the order is in the ledger. It is not ended before: the ledger would then have it as given after its end. */
  noted: Promise<void>;
  sent: boolean;
  settled: boolean;
  readonly deadline: ProgressDeadline;
}

/**
 * The backend of a live run: orders go to connected clients, updates come back through `uploaded`. What was accepted is in
 * the ledger before the client hears of it, so a run that was cut off takes accepted updates from there.
 */
export class LiveOrders implements Backend {
  readonly name = "live";
  readonly group = 1;
  readonly #ports: OrderPorts;
  readonly #settings: OrderSettings;
  readonly #versions = new Map<number, Promise<StoredBroadcast>>();
  readonly #orders = new Map<string, Given>();
  /** Orders that are not in the ledger yet. */
  readonly #noting = new Set<Promise<void>>();
  readonly arrivals: LiveArrivals;
  /** The oldest version in use when each of the last versions was published. */
  readonly #oldest: number[] = [];
  #open = false;
  /** Blobs of retired versions. */
  #deleting: Promise<unknown> = Promise.resolve();
  /** Updates are read one after the other, so that memory holds one of them. */
  #reading: Promise<unknown> = Promise.resolve();
  /** The update that was read last: most often it is wanted next. Nothing else holds one. */
  #newest: { readonly id: string; readonly hash: string; readonly outcome: Outcome } | undefined;

  constructor(ports: OrderPorts, settings: OrderSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.arrivals = new LiveArrivals({
      known: async () => void (await Promise.all(this.#noting)),
      present: () => ports.ready().filter((client) => ports.enrolled(client)),
      given: (version) => this.#givenOn(version),
    });
  }

  /** Whether orders go out now: false before all are there that a run waits for, and while it is paused. */
  set open(open: boolean) {
    this.#open = open;
    for (const given of this.#orders.values()) this.#offer(given);
  }

  /** @throws `live/second-release`, `live/lost-ledger`, and what the stores throw */
  async publish(version: number, broadcast: Broadcast): Promise<void> {
    const stored = this.#store(version, broadcast);
    this.#versions.set(version, stored);
    await stored;
  }

  /** The checkpoint of a round is durable, so the round is not trained again. */
  async saved(round: number): Promise<void> {
    if (this.#settings.releasesOnce) await this.#noteVersion(round + 1);
  }

  /** Nobody may fetch the version any more, so its blob goes: a run would else keep a model of every round. */
  retire(version: number): void {
    const stored = this.#versions.get(version);
    this.#versions.delete(version);
    const { blobs } = this.#ports;
    const deleting = stored?.then(({ hash }) => blobs.delete(blobName(hash)));
    this.#deleting = Promise.all([this.#deleting, deleting]);
    this.#deleting.catch(() => {}); // the next version is not published then
  }

  submit(order: Order): void {
    const given: Given = {
      order,
      stateOf: this.#ports.states.versionOf(order.client),
      outcome: Promise.withResolvers(),
      version: undefined,
      noted: Promise.resolve(),
      sent: false,
      settled: false,
      deadline: new ProgressDeadline(this.#ports.timers, this.#settings, (reason) =>
        this.#end(given, "client/late", reason),
      ),
    };
    given.outcome.promise.catch(() => {}); // it is thrown where the outcome is taken
    this.#orders.set(order.id, given);
    given.noted = this.#note(given);
    const noting = given.noted
      .then(
        () => this.#offer(given),
        (error: unknown) => this.#reject(given, error),
      )
      .finally(() => this.#noting.delete(noting));
    this.#noting.add(noting);
  }

  async outcome(id: string): Promise<Outcome> {
    const given = this.#orders.get(id)!;
    const outcome = await given.outcome.promise;
    if ("failure" in outcome) return outcome;
    const { id: newest, hash, outcome: read } = this.#newest ?? {};
    this.#newest = undefined;
    if (read !== undefined && newest === id && hash === outcome.hash) return read;
    return this.#read(given, () => this.#ports.blobs.get(blobName(outcome.hash)));
  }

  release(id: string): Promise<void> | undefined {
    const given = this.#orders.get(id);
    if (given === undefined) return undefined;
    this.#orders.delete(id);
    this.arrivals.released(id);
    given.deadline.cancel();
    if (given.settled) return undefined;
    given.settled = true; // whatever was still to come
    this.#ports.send(given.order.client, { type: "closed", order: id, code: "live/not-needed" });
    return this.#close(given);
  }

  /** Whether a blob belongs to a version that is being trained. */
  async published(hash: string): Promise<boolean> {
    for (const stored of this.#versions.values()) {
      if ((await stored.catch(() => undefined))?.hash === hash) return true;
    }
    return false;
  }

  /** The client is there: it is given what is waiting for it. */
  connected(client: number): void {
    this.arrivals.changed();
    for (const given of this.#ofClient(client)) {
      given.sent = false;
      this.#offer(given);
    }
  }

  /** The client works on the order. */
  progress(client: number, id: string): void {
    const given = this.#ofOrder(client, id);
    if (given?.settled === false) given.deadline.progress();
  }

  /** The client cannot do the order. */
  failed(client: number, id: string, code: string, message: string): void {
    const given = this.#ofOrder(client, id);
    if (given !== undefined) this.#end(given, code, message);
  }

  /** The client will not come back: its orders fail. */
  gone(client: number, code: string, message: string): void {
    for (const given of this.#ofClient(client)) this.#end(given, code, message);
  }

  /** Whether an update of the order is still waited for. */
  isOpen(client: number, id: string): boolean {
    return this.#ofOrder(client, id)?.settled === false;
  }

  /** What an upload would be answered before its first byte; undefined: it may come. */
  async mayUpload(client: number, id: string, hash: string, bytes: number): Promise<UploadAnswer | undefined> {
    const given = this.#ofOrder(client, id);
    if (given === undefined || given.settled) return this.#answerAgain(client, id, hash);
    const most = this.#settings.maxUpdateBytes;
    if (bytes > most)
      return refusedUpload("live/too-large", `the update has ${bytes} bytes; at most ${most} are taken`);
    this.progress(client, id);
    return undefined;
  }

  /** An update has arrived. It counts once, whatever is sent again, and only one that counts is kept. */
  async uploaded(client: number, id: string, arrived: ArrivedUpdate): Promise<UploadAnswer> {
    const { hash } = arrived;
    const given = this.#ofOrder(client, id);
    if (given?.version === undefined || given.settled) return this.#answerAgain(client, id, hash);
    const failure = await this.#judge(given, arrived);
    if (failure !== undefined) {
      if (!given.settled) await this.#fail(given, failure.code, failure.message);
      return refusedUpload(failure.code, failure.message);
    }
    const answer = await this.#keep(given, arrived);
    if (answer === "other" || answer === "closed") return this.#answerAgain(client, id, hash);
    this.#settle(given, { hash });
    return { status: "accepted", hash };
  }

  /** What is wrong with an update. One that is right is the newest, until another is read. */
  async #judge(given: Given, arrived: ArrivedUpdate): Promise<FailedOutcome["failure"] | undefined> {
    const outcome = await this.#read(given, () => arrived.read());
    if ("failure" in outcome) return outcome.failure;
    this.#newest = { id: given.order.id, hash: arrived.hash, outcome };
    return undefined;
  }

  /** Stores an update and accepts it. However long the store takes, the client is not late. */
  async #keep(given: Given, arrived: ArrivedUpdate) {
    given.deadline.hold();
    try {
      await arrived.keep();
      return await this.#ports.ledger.acceptUpdate(given.order.id, arrived.hash);
    } finally {
      given.deadline.release();
      if (this.#orders.has(given.order.id) && !given.settled) given.deadline.progress();
    }
  }

  /** For an order that is over: whether this was its update. */
  async #answerAgain(client: number, id: string, hash: string): Promise<UploadAnswer> {
    const row = await this.#ports.ledger.order(id);
    if (row?.client !== client || row.status !== "accepted")
      return refusedUpload("live/closed", "this order is over, or not yours");
    if (row.hash === hash) return { status: "accepted", hash };
    return refusedUpload("live/other-update", "another update was accepted for this order; the first counts");
  }

  /** Nothing waits any more: open orders fail, deadlines stop. */
  close(): void {
    for (const given of this.#orders.values()) given.deadline.cancel();
    this.#orders.clear();
  }

  async #store(version: number, broadcast: Broadcast): Promise<StoredBroadcast> {
    await this.#deleting;
    const stored = await storeBroadcast(this.#ports.blobs, broadcast);
    if (this.#settings.releasesOnce) await this.#noteVersion(version, stored.hash);
    const old = await this.#ports.ledger.forgetBefore(this.#oldestKept(version));
    for (const unused of old) if (unused !== stored.hash) await this.#ports.blobs.delete(blobName(unused));
    return stored;
  }

  async #noteVersion(version: number, broadcast?: string): Promise<void> {
    const noted = await this.#ports.ledger.noteVersion(version, broadcast);
    if (noted === "gap") throw lostLedger(version);
    if (noted !== "noted") throw secondRelease(version);
  }

  /** Has the order in the ledger, where a server before may have brought it to an end. */
  async #note(given: Given): Promise<void> {
    const { id, client, version } = given.order;
    const published = await this.#versions.get(version)!;
    const row = await this.#ports.ledger.order(id);
    if (row?.broadcast === published.hash) {
      given.version = published;
      if (row.status === "accepted") return this.#settle(given, { hash: row.hash! }, row.sequence);
      if (row.status === "closed")
        return this.#settle(given, failedOutcome(given.order, published.bytes, "live/closed", "it was over before"));
    } else {
      await this.#ports.ledger.giveOrder({ id, client, version, broadcast: published.hash });
      given.version = published;
    }
  }

  /** Ends the order in the ledger, if no update was accepted for it. */
  async #close(given: Given): Promise<void> {
    await given.noted.catch(() => {}); // whoever waits for the outcome hears of it
    await this.#ports.ledger.closeOrder(given.order.id);
  }

  #offer(given: Given): void {
    const { order, version, stateOf } = given;
    if (!this.#open || given.sent || given.settled || version === undefined) return;
    if (!this.#ports.enrolled(order.client)) {
      this.#end(given, "client/absent", "no client takes part with this number");
      return;
    }
    given.sent = this.#ports.send(order.client, {
      type: "task",
      order: order.id,
      version: order.version,
      blob: version.hash,
      bytes: version.bytes,
      ...(order.part === undefined ? {} : { part: order.part }),
      learningRate: order.learningRate,
      keys: Object.fromEntries(Object.entries(order.keys).map(([name, [a, b]]) => [name, [a, b]])),
      ...(stateOf === undefined ? {} : { stateOf }),
    });
    given.deadline.progress();
  }

  /** Fails the order; where the ledger cannot write, whoever waits for the outcome hears of it. */
  #end(given: Given, code: string, message: string): void {
    if (!given.settled) this.#fail(given, code, message).catch((error: unknown) => this.#reject(given, error));
  }

  async #fail(given: Given, code: string, message: string): Promise<void> {
    await this.#close(given);
    if (given.settled) return; // an update was accepted meanwhile
    const row = await this.#ports.ledger.order(given.order.id);
    if (row?.status === "accepted") return this.#settle(given, { hash: row.hash! });
    this.#settle(given, failedOutcome(given.order, given.sent ? given.version!.bytes : 0, code, message));
    this.#ports.send(given.order.client, { type: "closed", order: given.order.id, code });
  }

  #settle(given: Given, outcome: FailedOutcome | { readonly hash: string }, sequence?: number): void {
    if (given.settled) return; // the same update has arrived twice at a time
    given.settled = true;
    given.deadline.cancel();
    given.outcome.resolve(outcome);
    this.arrivals.arrived(given.order.id, sequence);
  }

  /** The store failed: whoever takes the outcome hears of it. */
  #reject(given: Given, error: unknown): void {
    given.outcome.reject(error);
    this.arrivals.arrived(given.order.id);
  }

  /** Orders on a version that the ledger knows from before the server was restarted. */
  async #givenOn(version: number): Promise<readonly WorkRequest[]> {
    const published = await this.#versions.get(version)!;
    const rows = await this.#ports.ledger.ordersOf(version);
    return rows
      .filter(({ broadcast }) => broadcast === published.hash)
      .map(({ id, client }) => ({ client, visit: Number(id.split("/")[2]) }));
  }

  /** The oldest version that a resumed run may ask for: some orders of an asynchronous run are on much older ones. */
  #oldestKept(version: number): number {
    const { keptVersions } = this.#settings;
    this.#oldest.push(Math.min(...this.#versions.keys(), version));
    if (this.#oldest.length > keptVersions + 1) this.#oldest.shift();
    return Math.min(version - keptVersions, ...this.#oldest);
  }

  #read({ order, version }: Given, read: () => Promise<Uint8Array | undefined>): Promise<Outcome> {
    const expected = { examples: this.#ports.examplesOf(order.client), maxBytes: this.#settings.maxUpdateBytes };
    const reading = this.#reading.then(async () => {
      this.#newest = undefined;
      return readUpdate(await read(), order, version!.bytes, expected);
    });
    this.#reading = reading.catch(() => {});
    return reading;
  }

  #ofOrder(client: number, id: string): Given | undefined {
    const given = this.#orders.get(id);
    return given?.order.client === client ? given : undefined;
  }

  #ofClient(client: number): Given[] {
    return [...this.#orders.values()].filter(({ order }) => order.client === client);
  }
}
