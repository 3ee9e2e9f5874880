import { AnabranchError } from "@anabranch/engine";
import { advanceVersion, type NewestVersion, type VersionConflict } from "./newest-version.ts";
import type { EnrolledClient, JoinToken, Ledger, OrderRow } from "./ports.ts";

/** What is kept of one run. */
interface Kept {
  readonly clients: Map<number, EnrolledClient>;
  readonly tokens: Map<string, JoinToken>;
  readonly orders: Map<string, OrderRow>;
  /** Hashes of updates that no order names, with the opening that returned them last. */
  readonly unnamed: Map<string, MemoryLedger | undefined>;
  accepted: number;
  newest: NewestVersion;
  holder: MemoryLedger | undefined;
}

/**
 * Ledgers in memory: each run's outlives its closing, so that a simulated server can crash and come back.
 *
 * @example
 * ```ts
 * import { MemoryLedgers } from "@anabranch/core/live";
 * const ledger = await new MemoryLedgers().open("run-1");
 * await ledger.giveOrder({ id: "1/0/0", client: 0, version: 1, broadcast: "b" });
 * await ledger.acceptUpdate("1/0/0", "h"); // => "accepted"
 * await ledger.updates(); // => ["h"]
 * ```
 */
export class MemoryLedgers {
  readonly #runs = new Map<string, Kept>();

  /** @throws `ledger/locked` while the run's ledger is open */
  async open(run: string): Promise<Ledger> {
    let kept = this.#runs.get(run);
    if (kept === undefined) {
      kept = {
        ...{ clients: new Map(), tokens: new Map(), orders: new Map(), unnamed: new Map() },
        ...{ accepted: 0, newest: { version: 0, broadcast: undefined }, holder: undefined },
      };
      this.#runs.set(run, kept);
    }
    if (kept.holder !== undefined) {
      throw new AnabranchError({
        code: "ledger/locked",
        message: "the ledger of this run is open already",
        where: run,
        advice: "Close it before it is opened again.",
      });
    }
    kept.holder = new MemoryLedger(run, kept);
    return kept.holder;
  }

  /** How much is kept of a run: orders, and hashes of updates. */
  sizeOf(run: string): { readonly orders: number; readonly updates: number } {
    const { orders = new Map<string, OrderRow>(), unnamed = new Map() } = this.#runs.get(run) ?? {};
    const named = [...orders.values()].filter(({ hash }) => hash !== undefined);
    return { orders: orders.size, updates: named.length + unnamed.size };
  }
}

class MemoryLedger implements Ledger {
  readonly #run: string;
  readonly #all: Kept;

  constructor(run: string, kept: Kept) {
    this.#run = run;
    this.#all = kept;
  }

  get #kept(): Kept {
    if (this.#all.holder !== this) throw ledgerClosed(this.#run);
    return this.#all;
  }

  async clients(): Promise<readonly EnrolledClient[]> {
    return [...this.#kept.clients.values()].map(copy).sort((a, b) => a.client - b.client);
  }

  async putClient(client: EnrolledClient): Promise<void> {
    this.#kept.clients.set(client.client, copy(client));
  }

  async tokens(): Promise<readonly JoinToken[]> {
    return [...this.#kept.tokens.values()].map(copy).sort((a, b) => (a.hash < b.hash ? -1 : 1));
  }

  async putToken(token: JoinToken): Promise<void> {
    this.#kept.tokens.set(token.hash, copy(token));
  }

  async order(id: string): Promise<OrderRow | undefined> {
    return copy(this.#kept.orders.get(id));
  }

  async ordersOf(version: number): Promise<readonly OrderRow[]> {
    const rows = [...this.#kept.orders.values()].filter((order) => order.version === version).map(copy);
    return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async giveOrder({
    id,
    client,
    version,
    broadcast,
  }: Pick<OrderRow, "id" | "client" | "version" | "broadcast">): Promise<void> {
    const { orders, unnamed } = this.#kept;
    const before = orders.get(id);
    if (before?.broadcast === broadcast) return;
    if (before?.hash !== undefined) unnamed.set(before.hash, undefined);
    orders.set(id, { id, client, version, broadcast, status: "given", hash: undefined, sequence: undefined });
  }

  async acceptUpdate(id: string, hash: string): Promise<"accepted" | "again" | "other" | "closed"> {
    const kept = this.#kept;
    const order = kept.orders.get(id);
    if (order?.status === "accepted" && order.hash === hash) return "again";
    if (order?.status !== "given") {
      kept.unnamed.set(hash, undefined);
      return order?.status === "accepted" ? "other" : "closed";
    }
    kept.accepted++;
    kept.orders.set(id, { ...order, status: "accepted", hash, sequence: kept.accepted });
    return "accepted";
  }

  async closeOrder(id: string): Promise<void> {
    const { orders } = this.#kept;
    const order = orders.get(id);
    if (order?.status === "given") orders.set(id, { ...order, status: "closed" });
  }

  async noteVersion(version: number, broadcast?: string): Promise<"noted" | VersionConflict> {
    const kept = this.#kept;
    const next = advanceVersion(kept.newest, version, broadcast);
    if (typeof next === "string") return next;
    kept.newest = next;
    return "noted";
  }

  async updates(): Promise<readonly string[]> {
    const hashes = [...this.#kept.orders.values()].flatMap(({ hash }) => hash ?? []);
    return [...new Set(hashes)].sort();
  }

  async forgetBefore(version: number): Promise<readonly string[]> {
    const { orders, unnamed } = this.#kept;
    for (const [hash, opening] of unnamed) if (opening === this) unnamed.delete(hash);
    for (const order of orders.values()) {
      if (order.version >= version) continue;
      if (order.hash !== undefined) unnamed.set(order.hash, undefined);
      orders.delete(order.id);
    }
    for (const { hash } of orders.values()) if (hash !== undefined) unnamed.delete(hash);
    for (const hash of unnamed.keys()) unnamed.set(hash, this);
    return [...unnamed.keys()].sort();
  }

  async close(): Promise<void> {
    if (this.#all.holder === this) this.#all.holder = undefined;
  }
}

function ledgerClosed(where: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/closed",
    message: "the ledger is closed",
    where,
    advice: "Open it again, or end what still uses it before it is closed.",
  });
}

function copy<T>(value: T): T {
  return structuredClone(value);
}
