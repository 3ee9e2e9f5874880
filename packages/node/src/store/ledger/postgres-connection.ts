import { createHash } from "node:crypto";
import { Socket } from "node:net";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { AnabranchError } from "@anabranch/engine";
import type { Client } from "pg";
import type { Row, Value } from "./database.ts";
import { postgresError } from "./postgres-errors.ts";

/** Schema of PostgreSQL that the tables are in. */
const schema = "anabranch";

/** Keeps what this process sets up for one session: where the tables are, and that a commit is on the disk. */
const session = `SET search_path = ${schema};
  SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

/** A session of PostgreSQL. Queries reject with `AnabranchError`, or with `LostConnection` where a new session may succeed. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #place: string;
  isBroken = false;

  private constructor(client: Client, socket: Socket, place: string) {
    this.#client = client;
    this.#socket = socket;
    this.#place = place;
    // without a listener a connection that breaks between two statements would end the process
    client.on("error", () => {
      this.isBroken = true;
    });
  }

  /** @param place the address without its password, for errors */
  static async open(url: string, place: string): Promise<PostgresConnection> {
    const { default: pg } = await import("pg");
    const socket = new Socket();
    const client = new pg.Client({
      connectionString: url,
      application_name: `anabranch ${process.pid}@${hostname()}`.slice(0, 63),
      connectionTimeoutMillis: 10_000,
      query_timeout: 30_000,
      keepAlive: true,
      stream: () => socket,
    });
    const connection = new PostgresConnection(client, socket, place);
    try {
      await client.connect();
      await client.query(session);
      return connection;
    } catch (error) {
      socket.destroy();
      throw postgresError(error, place);
    }
  }

  /** Each `?` of the statement takes the next value. */
  async query(statement: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    let count = 0;
    const numbered = statement.replace(/\?/g, () => `$${++count}`);
    try {
      const { rows } = await this.#client.query<Row>(numbered, [...values]);
      return rows;
    } catch (error) {
      throw postgresError(error, this.#place);
    }
  }

  /** Whether this session got the lock of the run; it has it until it ends. */
  async tryLock(run: string): Promise<boolean> {
    const [row] = await this.query(`SELECT pg_try_advisory_lock(${lockKey(run)}) AS got`);
    return row?.["got"] === true;
  }

  /** As `tryLock`, and waits for the end of a holder that is gone but that PostgreSQL still knows. Throws `ledger/locked`. */
  async lock(run: string, milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (!(await this.tryLock(run))) {
      if (performance.now() > deadline) throw locked(this.#place, await this.#holderOf(run));
      await sleep(100);
    }
  }

  /** Until the end of the transaction, for every process that calls it. */
  async lockMigrations(): Promise<void> {
    await this.query(`SELECT pg_advisory_xact_lock(${lockKey("")})`);
  }

  /** Only where it is missing: a user may use a schema without the right to make one. */
  async makeSchema(): Promise<void> {
    const [row] = await this.query(`SELECT to_regnamespace('${schema}') IS NULL AS missing`);
    if (row?.["missing"] !== true) return;
    // two sessions that make it at the same time would fail in spite of IF NOT EXISTS
    await this.query("BEGIN");
    await this.lockMigrations();
    await this.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await this.query("COMMIT");
  }

  async close(): Promise<void> {
    if (!this.isBroken) await Promise.race([this.#client.end(), sleep(1_000, undefined, { ref: false })]);
    this.abandon();
  }

  /** Ends at once, whatever is under way. */
  abandon(): void {
    this.isBroken = true;
    this.#socket.destroy();
  }

  /** Name and number of the session with the lock, as PostgreSQL shows them to this user. */
  async #holderOf(run: string): Promise<string> {
    const [row] = await this.query(
      `SELECT a.pid, a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
          AND ((l.classid::bigint << 32) | l.objid::bigint) = ${lockKey(run)}`,
    );
    return row === undefined ? "another session" : `session ${row["pid"]} (${row["name"] ?? "of another user"})`;
  }
}

/** Number of a run's lock within a database: 64 bits of a hash, as PostgreSQL reads them. */
function lockKey(run: string): bigint {
  return createHash("sha256").update(`anabranch ledger ${run}`).digest().readBigInt64BE();
}

function locked(place: string, holder: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/locked",
    message: `${holder} is writing this ledger`,
    where: place,
    advice:
      "Wait for that process to end, or stop it. If it is gone, end its session: SELECT pg_terminate_backend(NUMBER)",
  });
}
