import { setTimeout as sleep } from "node:timers/promises";
import { AnabranchError } from "@anabranch/engine";
import { type Database, type Query, Queue } from "./database.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { LostConnection, unreachable } from "./postgres-errors.ts";

/** How long an opening waits for the lock of a process that was killed just before. */
const openingMilliseconds = 3_000;

/**
 * PostgreSQL by one session at a time, which has the lock of the run. A session that breaks is replaced, once PostgreSQL has
 * ended the one before: what that committed is then settled. A pooler between must keep one session per connection.
 */
export class PostgresDatabase implements Database {
  readonly place: string;
  readonly #url: string;
  readonly #run: string;
  readonly #holder: string;
  readonly #queue = new Queue();
  readonly #closing = new AbortController();
  #connection: PostgresConnection;
  #patience = 0;

  private constructor(url: string, place: string, run: string, holder: string, connection: PostgresConnection) {
    this.#url = url;
    this.place = place;
    this.#run = run;
    this.#holder = holder;
    this.#connection = connection;
  }

  /**
   * @param place the address without its password, for errors
   * @param holder name of this opening, never used before
   * @throws `ledger/unreachable` after one try, `ledger/locked`, `ledger/login`, `ledger/no-database`, `store/not-writable`,
   *   `store/read-only`, `store/disk-full`, `ledger/database`
   */
  static async open(url: string, place: string, run: string, holder: string): Promise<PostgresDatabase> {
    let connection: PostgresConnection | undefined;
    try {
      connection = await PostgresConnection.open(url, place);
      await connection.lock(run, openingMilliseconds);
      await connection.makeSchema();
      return new PostgresDatabase(url, place, run, holder, connection);
    } catch (error) {
      connection?.abandon();
      throw error instanceof LostConnection ? unreachable(error, place) : error;
    }
  }

  /** From now on transactions whose connection breaks are tried again for so many milliseconds: the holder is on record. */
  retryFor(milliseconds: number): void {
    this.#patience = milliseconds;
  }

  transaction<T>(work: (query: Query) => Promise<T>, alone?: "alone"): Promise<T> {
    return this.#queue.add(async () => {
      const deadline = performance.now() + this.#patience;
      for (let pause = 50; ; pause = Math.min(2 * pause, 2_000)) {
        try {
          if (this.#connection.isBroken) this.#connection = await this.#reconnect();
          return await this.#attempt(work, alone);
        } catch (error) {
          if (!(error instanceof LostConnection)) throw error;
          this.#connection.abandon();
          if (this.#closing.signal.aborted || performance.now() + pause > deadline)
            throw unreachable(error, this.place);
        }
        await sleep(pause, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    });
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#queue.add(() => this.#connection.close());
  }

  async #attempt<T>(work: (query: Query) => Promise<T>, alone: "alone" | undefined): Promise<T> {
    const connection = this.#connection;
    await connection.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    try {
      if (alone !== undefined) await connection.lockMigrations();
      const result = await work((statement, ...values) => connection.query(statement, ...values));
      await connection.query("COMMIT");
      return result;
    } catch (error) {
      if (!(error instanceof LostConnection)) await connection.query("ROLLBACK");
      throw error;
    }
  }

  /** @throws `ledger/taken` when another process had the ledger since */
  async #reconnect(): Promise<PostgresConnection> {
    const connection = await PostgresConnection.open(this.#url, this.place);
    try {
      const hasLock = await connection.tryLock(this.#run);
      const [row] = await connection.query("SELECT holder FROM runs WHERE run = ?", this.#run);
      if (row?.["holder"] !== this.#holder) throw taken(this.place);
      if (!hasLock) throw new LostConnection("PostgreSQL has not ended the session before");
      return connection;
    } catch (error) {
      connection.abandon();
      throw error;
    }
  }
}

function taken(place: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/taken",
    message: "another process opened this ledger while the connection to it was lost",
    where: place,
    advice: "Stop this process: the other one continues the run.",
  });
}
