import type { Broadcast } from "../protocol/index.ts";
import type { Backend, Order, Outcome } from "../round/backend.ts";
import type { ServerMessage, UploadAnswer } from "./control.ts";
import { type GivenOrder, type GivenOrderPorts, GivenOrders } from "./given-orders.ts";
import type { HeldStates } from "./held-states.ts";
import type { LiveArrivals } from "./live-arrivals.ts";
import { OrderUploads } from "./order-uploads.ts";
import type { ArrivedUpdate, Timers } from "./ports.ts";
import { type Patience, ProgressDeadline } from "./progress-deadline.ts";
import { PublishedVersions, type VersionSettings } from "./published-versions.ts";
import { UpdateReader, type UpdateReaderPorts } from "./update-reader.ts";

/** What the orders of a run act on. */
export interface OrderPorts extends Pick<GivenOrderPorts, "ledger" | "send">, UpdateReaderPorts {
  readonly timers: Timers;
  readonly states: HeldStates;
  /** Whether somebody holds this number; nobody waits for one that has never joined or was ejected. */
  enrolled(client: number): boolean;
  /** Connected clients that can train. */
  ready(): readonly number[];
}

/** How long a client may take for an order, and what is kept. */
export interface OrderSettings extends Patience, VersionSettings {
  /** Longest encoded update. */
  readonly maxUpdateBytes: number;
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
  readonly #versions: PublishedVersions;
  readonly #given: GivenOrders;
  readonly #reader: UpdateReader;
  readonly #uploads: OrderUploads;
  #open = false;

  constructor(ports: OrderPorts, settings: OrderSettings) {
    const { ledger, send } = ports;
    this.#ports = ports;
    this.#settings = settings;
    this.#versions = new PublishedVersions(ports, settings);
    const present = () => ports.ready().filter((client) => ports.enrolled(client));
    this.#given = new GivenOrders({ ledger, present, send }, this.#versions);
    this.#reader = new UpdateReader(ports, settings.maxUpdateBytes);
    this.#uploads = new OrderUploads(this.#given, this.#reader, ledger, settings.maxUpdateBytes);
  }

  get arrivals(): LiveArrivals {
    return this.#given.arrivals;
  }

  /** Whether orders go out now: false before all are there that a run waits for, and while it is paused. */
  set open(open: boolean) {
    this.#open = open;
    for (const given of this.#given.all()) this.#offer(given);
  }

  /** @throws `live/second-release`, `live/lost-ledger`, and what the stores throw */
  publish(version: number, broadcast: Broadcast, change?: Broadcast): Promise<void> {
    return this.#versions.publish(version, broadcast, change);
  }

  /** The checkpoint of a round is durable, so the round is not trained again. */
  saved(round: number): Promise<void> {
    return this.#versions.saved(round);
  }

  retire(version: number): void {
    this.#versions.retire(version);
  }

  /** Whether a blob belongs to a version that is being trained. */
  published(hash: string): Promise<boolean> {
    return this.#versions.has(hash);
  }

  submit(order: Order): void {
    const late = (reason: string) => this.#given.end(given, "client/late", reason);
    const given: GivenOrder = {
      order,
      stateOf: this.#ports.states.versionOf(order.client),
      outcome: Promise.withResolvers(),
      version: undefined,
      noted: Promise.resolve(),
      sent: false,
      settled: false,
      deadline: new ProgressDeadline(this.#ports.timers, this.#settings, late),
    };
    this.#given.add(given, () => this.#offer(given));
  }

  async outcome(id: string): Promise<Outcome> {
    const given = this.#given.get(id)!;
    const outcome = await given.outcome.promise;
    return "failure" in outcome ? outcome : this.#reader.readStored(given, outcome.hash);
  }

  release(id: string): Promise<void> | undefined {
    return this.#given.release(id);
  }

  /** The client is there: it is given what is waiting for it. */
  connected(client: number): void {
    this.arrivals.changed();
    for (const given of this.#given.ofClient(client)) {
      given.sent = false;
      this.#offer(given);
    }
  }

  /** The client works on the order. */
  progress(client: number, id: string): void {
    const given = this.#given.find(client, id);
    if (given?.settled === false) given.deadline.progress();
  }

  /** The client cannot do the order. */
  failed(client: number, id: string, code: string, message: string): void {
    const given = this.#given.find(client, id);
    if (given !== undefined) this.#given.end(given, code, message);
  }

  /** The client will not come back: its orders fail. */
  gone(client: number, code: string, message: string): void {
    for (const given of this.#given.ofClient(client)) this.#given.end(given, code, message);
  }

  /** Whether an update of the order is still waited for. */
  isOpen(client: number, id: string): boolean {
    return this.#given.find(client, id)?.settled === false;
  }

  /** What an upload would be answered before its first byte; undefined: it may come. */
  mayUpload(client: number, id: string, hash: string, bytes: number): Promise<UploadAnswer | undefined> {
    return this.#uploads.mayUpload(client, id, hash, bytes);
  }

  /** An update has arrived. It counts once, whatever is sent again, and only one that counts is kept. */
  uploaded(client: number, id: string, arrived: ArrivedUpdate): Promise<UploadAnswer> {
    return this.#uploads.uploaded(client, id, arrived);
  }

  /** Nothing waits any more: open orders fail, deadlines stop. */
  close(): void {
    this.#given.close();
  }

  #offer(given: GivenOrder): void {
    const { order, version, stateOf } = given;
    if (!this.#open || given.sent || given.settled || version === undefined) return;
    if (!this.#ports.enrolled(order.client)) {
      this.#given.end(given, "client/absent", "no client takes part with this number");
      return;
    }
    given.sent = this.#ports.send(order.client, taskMessage(order, version, stateOf));
    given.deadline.progress();
  }
}

function taskMessage(
  { id, version, part, learningRate, keys }: Order,
  { hash, bytes }: NonNullable<GivenOrder["version"]>,
  stateOf: number | undefined,
): ServerMessage {
  return {
    type: "task",
    order: id,
    version,
    blob: hash,
    bytes,
    ...(part === undefined ? {} : { part }),
    learningRate,
    keys: Object.fromEntries(Object.entries(keys).map(([name, [a, b]]) => [name, [a, b]])),
    ...(stateOf === undefined ? {} : { stateOf }),
  };
}
