import {
  advanceVersion,
  type EnrolledClient,
  type JoinToken,
  type Ledger,
  type OrderRow,
  type VersionConflict,
} from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import type { Database, Query } from "./database.ts";
import { migrate } from "./migrations.ts";
import { readClient, readNewest, readOrder, readToken, writeProfile } from "./rows.ts";

const ORDER_COLUMNS = "id, client, version, broadcast, status, hash, sequence";

/** A run's ledger in a database of SQL. Every call is one transaction. */
export class SqlLedger implements Ledger {
  readonly #database: Database;
  readonly #run: string;
  /** Name of this opening. */
  readonly #holder: string;
  #isClosed = false;
  #forgets = 0;
  /** The call of `forgetBefore` whose answer reached the caller last. */
  #returned = "";

  private constructor(database: Database, run: string, holder: string) {
    this.#database = database;
    this.#run = run;
    this.#holder = holder;
  }

  /**
   * @param holder name of this opening, never used before
   * @throws `ledger/newer`, and what the database throws
   */
  static async open(database: Database, run: string, holder: string): Promise<SqlLedger> {
    await migrate(database);
    await database.transaction((query) =>
      query(
        `INSERT INTO runs (run, holder, accepted) VALUES (?, ?, 0)
          ON CONFLICT (run) DO UPDATE SET holder = excluded.holder`,
        ...[run, holder],
      ),
    );
    return new SqlLedger(database, run, holder);
  }

  async clients(): Promise<readonly EnrolledClient[]> {
    const statement = "SELECT client, public_key, profile, status, token FROM clients WHERE run = ? ORDER BY client";
    const rows = await this.#transaction((query) => query(statement, this.#run));
    return rows.map((row) => readClient(row, this.#database.place));
  }

  async putClient(client: EnrolledClient): Promise<void> {
    await this.#transaction((query) =>
      query(
        `INSERT INTO clients (run, client, public_key, profile, status, token) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (run, client) DO UPDATE
          SET public_key = excluded.public_key, profile = excluded.profile, status = excluded.status,
            token = excluded.token`,
        ...[this.#run, client.client, client.publicKey, writeProfile(client), client.status, client.token],
      ),
    );
  }

  async tokens(): Promise<readonly JoinToken[]> {
    const statement = "SELECT hash, expires, client, places, revoked FROM tokens WHERE run = ? ORDER BY hash";
    const rows = await this.#transaction((query) => query(statement, this.#run));
    return rows.map((row) => readToken(row, this.#database.place));
  }

  async putToken({ hash, expires, client, places, revoked }: JoinToken): Promise<void> {
    await this.#transaction((query) =>
      query(
        `INSERT INTO tokens (run, hash, expires, client, places, revoked) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (run, hash) DO UPDATE
          SET expires = excluded.expires, client = excluded.client, places = excluded.places,
            revoked = excluded.revoked`,
        ...[this.#run, hash, expires ?? null, client ?? null, places ?? null, revoked ? 1 : 0],
      ),
    );
  }

  async order(id: string): Promise<OrderRow | undefined> {
    return this.#transaction((query) => this.#order(query, id));
  }

  async ordersOf(version: number): Promise<readonly OrderRow[]> {
    const statement = `SELECT ${ORDER_COLUMNS} FROM orders WHERE run = ? AND version = ?`;
    const rows = await this.#transaction((query) => query(statement, this.#run, version));
    // databases differ in how they sort text
    return rows.map((row) => readOrder(row, this.#database.place)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async giveOrder({
    id,
    client,
    version,
    broadcast,
  }: Pick<OrderRow, "id" | "client" | "version" | "broadcast">): Promise<void> {
    await this.#transaction(async (query) => {
      await query(
        `INSERT INTO unnamed (run, hash) SELECT run, hash FROM orders
          WHERE run = ? AND id = ? AND broadcast <> ? AND hash IS NOT NULL
          ON CONFLICT (run, hash) DO UPDATE SET returned = NULL`,
        ...[this.#run, id, broadcast],
      );
      await query(
        `INSERT INTO orders (run, id, client, version, broadcast, status) VALUES (?, ?, ?, ?, ?, 'given')
          ON CONFLICT (run, id) DO UPDATE
          SET client = excluded.client, version = excluded.version, broadcast = excluded.broadcast,
            status = 'given', hash = NULL, sequence = NULL
          WHERE orders.broadcast <> excluded.broadcast`,
        ...[this.#run, id, client, version, broadcast],
      );
    });
  }

  async acceptUpdate(id: string, hash: string): Promise<"accepted" | "again" | "other" | "closed"> {
    // Where the connection broke while an acceptance was being committed, the next try finds it done or undone.
    let tried = false;
    return this.#transaction(async (query) => {
      const [accepted] = await query(
        `UPDATE orders
          SET status = 'accepted', hash = ?, sequence = (SELECT accepted + 1 FROM runs WHERE run = ?)
          WHERE run = ? AND id = ? AND status = 'given' RETURNING sequence`,
        ...[hash, this.#run, this.#run, id],
      );
      if (accepted !== undefined) {
        await query("UPDATE runs SET accepted = accepted + 1 WHERE run = ?", this.#run);
        tried = true;
        return "accepted";
      }
      const order = await this.#order(query, id);
      if (order?.status === "accepted" && order.hash === hash) return tried ? "accepted" : "again";
      await query(
        "INSERT INTO unnamed (run, hash) VALUES (?, ?) ON CONFLICT (run, hash) DO UPDATE SET returned = NULL",
        ...[this.#run, hash],
      );
      return order?.status === "accepted" ? "other" : "closed";
    });
  }

  async closeOrder(id: string): Promise<void> {
    const statement = "UPDATE orders SET status = 'closed' WHERE run = ? AND id = ? AND status = 'given'";
    await this.#transaction((query) => query(statement, this.#run, id));
  }

  async noteVersion(version: number, broadcast?: string): Promise<"noted" | VersionConflict> {
    return this.#transaction(async (query) => {
      const [row = {}] = await query("SELECT newest, newest_broadcast FROM runs WHERE run = ?", this.#run);
      const next = advanceVersion(readNewest(row, this.#database.place), version, broadcast);
      if (typeof next === "string") return next;
      await query(
        "UPDATE runs SET newest = ?, newest_broadcast = ? WHERE run = ?",
        ...[next.version, next.broadcast ?? null, this.#run],
      );
      return "noted";
    });
  }

  async updates(): Promise<readonly string[]> {
    const statement = "SELECT DISTINCT hash FROM orders WHERE run = ? AND hash IS NOT NULL ORDER BY hash";
    const rows = await this.#transaction((query) => query(statement, this.#run));
    return rows.map(({ hash }) => String(hash));
  }

  async forgetBefore(version: number): Promise<readonly string[]> {
    const returned = `${this.#holder}/${++this.#forgets}`;
    let before: string | undefined;
    const rows = await this.#transaction(async (query) => {
      // whoever asks again has dealt with the answer before; after a crash that is unknown, and it is returned again
      before ??= this.#returned; // a second try must not take its own answer for dealt with
      await query("DELETE FROM unnamed WHERE run = ? AND returned = ?", this.#run, before);
      await query(
        `INSERT INTO unnamed (run, hash) SELECT DISTINCT run, hash FROM orders
          WHERE run = ? AND version < ? AND hash IS NOT NULL
          ON CONFLICT (run, hash) DO UPDATE SET returned = NULL`,
        ...[this.#run, version],
      );
      await query("DELETE FROM orders WHERE run = ? AND version < ?", this.#run, version);
      await query(
        `DELETE FROM unnamed WHERE run = ? AND hash IN
          (SELECT hash FROM orders WHERE run = ? AND hash IS NOT NULL)`,
        ...[this.#run, this.#run],
      );
      await query("UPDATE unnamed SET returned = ? WHERE run = ?", returned, this.#run);
      this.#returned = returned; // transactions may share a commit
      return query("SELECT hash FROM unnamed WHERE run = ? ORDER BY hash", this.#run);
    });
    return rows.map(({ hash }) => String(hash));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#database.close();
  }

  async #order(query: Query, id: string): Promise<OrderRow | undefined> {
    const [row] = await query(`SELECT ${ORDER_COLUMNS} FROM orders WHERE run = ? AND id = ?`, ...[this.#run, id]);
    return row && readOrder(row, this.#database.place);
  }

  async #transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed(this.#database.place);
    return this.#database.transaction(work);
  }
}

function closed(place: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/closed",
    message: "the ledger is closed",
    where: place,
    advice: "Open it again, or end what still uses it before it is closed.",
  });
}
