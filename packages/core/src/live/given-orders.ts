import type { FailedOutcome, Order } from "../round/backend.ts";
import type { WorkRequest } from "../schedule/index.ts";
import type { ServerMessage } from "./control.ts";
import { LiveArrivals } from "./live-arrivals.ts";
import type { Ledger } from "./ports.ts";
import type { ProgressDeadline } from "./progress-deadline.ts";
import type { PublishedVersions } from "./published-versions.ts";
import { failedOutcome } from "./read-update.ts";
import type { StoredBroadcast } from "./store-broadcast.ts";

/** An accepted update is named by its hash: it stays in the store until it is folded. */
export type GivenOutcome = FailedOutcome | { readonly hash: string };

/** An order that was given out and has no outcome yet, or whose outcome nobody took yet. */
export interface GivenOrder {
  readonly order: Order;
  /** The version after which the client has kept its state; undefined: it has none. */
  readonly stateOf: number | undefined;
  readonly outcome: PromiseWithResolvers<GivenOutcome>;
  /** Of the broadcast, once the order is in the ledger. */
  version: StoredBroadcast | undefined;
  /** Resolves when the order is in the ledger. It is not ended before: the ledger would then have it as given after its end. */
  noted: Promise<void>;
  sent: boolean;
  settled: boolean;
  readonly deadline: ProgressDeadline;
}

/** What given orders act on. */
export interface GivenOrderPorts {
  readonly ledger: Ledger;
  /** Connected clients that can train, of those that take part. */
  present(): readonly number[];
  /** Sends to a client; false: it is not connected. */
  send(client: number, message: ServerMessage): boolean;
}

/** The orders of a live run from the ledger's note of them to their end, which comes once. */
export class GivenOrders {
  readonly arrivals: LiveArrivals;
  readonly #ports: GivenOrderPorts;
  readonly #versions: PublishedVersions;
  readonly #orders = new Map<string, GivenOrder>();
  /** Orders that are not in the ledger yet. */
  readonly #noting = new Set<Promise<void>>();

  constructor(ports: GivenOrderPorts, versions: PublishedVersions) {
    this.#ports = ports;
    this.#versions = versions;
    this.arrivals = new LiveArrivals({
      known: async () => void (await Promise.all(this.#noting)),
      present: () => ports.present(),
      given: (version) => this.#givenOn(version),
    });
  }

  /** Has an order in the ledger; `noted` is called unless that fails. */
  add(given: GivenOrder, noted: (given: GivenOrder) => void): void {
    given.outcome.promise.catch(() => {}); // it is thrown where the outcome is taken
    this.#orders.set(given.order.id, given);
    given.noted = this.#note(given);
    const noting = given.noted
      .then(
        () => noted(given),
        (error: unknown) => this.#reject(given, error),
      )
      .finally(() => this.#noting.delete(noting));
    this.#noting.add(noting);
  }

  get(id: string): GivenOrder | undefined {
    return this.#orders.get(id);
  }

  all(): GivenOrder[] {
    return [...this.#orders.values()];
  }

  /** An order of this client. */
  find(client: number, id: string): GivenOrder | undefined {
    const given = this.#orders.get(id);
    return given?.order.client === client ? given : undefined;
  }

  ofClient(client: number): GivenOrder[] {
    return this.all().filter(({ order }) => order.client === client);
  }

  /** The outcome was taken, or is no longer needed. */
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

  /** Fails the order; where the ledger cannot write, whoever waits for the outcome hears of it. */
  end(given: GivenOrder, code: string, message: string): void {
    if (!given.settled) this.fail(given, code, message).catch((error: unknown) => this.#reject(given, error));
  }

  /** Fails the order, unless an update of it was accepted. */
  async fail(given: GivenOrder, code: string, message: string): Promise<void> {
    await this.#close(given);
    if (given.settled) return; // an update was accepted meanwhile
    const row = await this.#ports.ledger.order(given.order.id);
    if (row?.status === "accepted") return this.settle(given, { hash: row.hash! });
    this.settle(given, failedOutcome(given.order, given.sent ? given.version!.bytes : 0, code, message));
    this.#ports.send(given.order.client, { type: "closed", order: given.order.id, code });
  }

  /** The order has its outcome. @param sequence of its acceptance, where the ledger knew it */
  settle(given: GivenOrder, outcome: GivenOutcome, sequence?: number): void {
    if (given.settled) return; // the same update has arrived twice at a time
    given.settled = true;
    given.deadline.cancel();
    given.outcome.resolve(outcome);
    this.arrivals.arrived(given.order.id, sequence);
  }

  /** Nothing waits any more: open orders fail, deadlines stop. */
  close(): void {
    for (const given of this.#orders.values()) given.deadline.cancel();
    this.#orders.clear();
  }

  /** Has the order in the ledger, where a server before may have brought it to an end. */
  async #note(given: GivenOrder): Promise<void> {
    const { ledger } = this.#ports;
    const { id, client, version, messageAfter } = given.order;
    const published = await this.#versions.get(version, given.stateOf, messageAfter);
    const row = await ledger.order(id);
    if (row?.broadcast === published.hash) {
      given.version = published;
      if (row.status === "accepted") return this.settle(given, { hash: row.hash! }, row.sequence);
      if (row.status === "closed")
        return this.settle(given, failedOutcome(given.order, published.bytes, "live/closed", "it was over before"));
    } else {
      await ledger.giveOrder({ id, client, version, broadcast: published.hash });
      given.version = published;
    }
  }

  /** Ends the order in the ledger, if no update was accepted for it. */
  async #close(given: GivenOrder): Promise<void> {
    await given.noted.catch(() => {}); // whoever waits for the outcome hears of it
    await this.#ports.ledger.closeOrder(given.order.id);
  }

  /** The store failed: whoever takes the outcome hears of it. */
  #reject(given: GivenOrder, error: unknown): void {
    given.outcome.reject(error);
    this.arrivals.arrived(given.order.id);
  }

  /** Orders on a version that the ledger knows from before the server was restarted. */
  async #givenOn(version: number): Promise<readonly WorkRequest[]> {
    const published = await this.#versions.get(version, undefined);
    const rows = await this.#ports.ledger.ordersOf(version);
    return rows
      .filter(({ broadcast }) => broadcast === published.hash)
      .map(({ id, client }) => ({ client, visit: Number(id.split("/")[2]) }));
  }
}
