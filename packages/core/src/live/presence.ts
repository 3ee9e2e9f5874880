import type { Connection } from "./connection.ts";
import type { ServerMessage } from "./control.ts";
import type { Timers } from "./ports.ts";
import type { ClientStatus } from "./status.ts";

const NEW: ClientStatus = {
  connected: false,
  phase: "idle",
  share: 0,
  order: undefined,
  examples: undefined,
  accepted: 0,
  failed: 0,
  bytesUp: 0,
  bytesDown: 0,
  lastSeen: undefined,
};

/** Which clients are connected, and what each is doing. */
export class Presence {
  readonly #timers: Timers;
  readonly #connections = new Map<number, { readonly connection: Connection; ready: boolean }>();
  readonly #sessions = new Map<string, number>();
  readonly #statuses = new Map<number, ClientStatus>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Connected clients that have built their programs. */
  get ready(): readonly number[] {
    return [...this.#connections].flatMap(([client, { ready }]) => (ready ? [client] : []));
  }

  /** Of all clients that are connected. */
  get connections(): readonly Connection[] {
    return [...this.#connections.values()].map(({ connection }) => connection);
  }

  clientOf(session: string): number | undefined {
    return this.#sessions.get(session);
  }

  connectionOf(client: number): Connection | undefined {
    return this.#connections.get(client)?.connection;
  }

  /** Returns the connection that this one replaces. */
  add(client: number, connection: Connection): Connection | undefined {
    const older = this.connectionOf(client);
    this.#connections.set(client, { connection, ready: false });
    this.#sessions.set(connection.session, client);
    this.update(client, { connected: true });
    return older;
  }

  setReady(client: number, examples: number | undefined): void {
    this.#connections.get(client)!.ready = true;
    this.update(client, { examples });
  }

  /** False: the connection had been replaced, and the client is still there. */
  remove(client: number, connection: Connection): boolean {
    this.#sessions.delete(connection.session);
    if (this.connectionOf(client) !== connection) return false;
    this.#connections.delete(client);
    this.idle(client, { connected: false });
    return true;
  }

  /** False: the client is not there. */
  send(client: number, message: ServerMessage): boolean {
    const there = this.#connections.get(client);
    if (there === undefined || !there.ready) return false;
    if (message.type === "task" || message.type === "secure") {
      const bytesDown = this.statusOf(client).bytesDown + message.bytes;
      this.update(client, { order: message.order, phase: "waiting", share: 0, bytesDown });
    }
    there.connection.link.send(message);
    return true;
  }

  statusOf(client: number): ClientStatus {
    return this.#statuses.get(client) ?? NEW;
  }

  update(client: number, changes: Partial<ClientStatus>): void {
    this.#statuses.set(client, { ...this.statusOf(client), ...changes, lastSeen: this.#timers.now() });
  }

  /** The client has no order any more. */
  idle(client: number, changes: Partial<ClientStatus>): void {
    this.update(client, { phase: "idle", share: 0, order: undefined, ...changes });
  }
}
