import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { AnabranchError } from "@anabranch/engine";
import { acquireLock, type Lock } from "../lock.ts";
import { loadSqlite, namesAnotherFile, requirePlainDatabase } from "../sqlite-files.ts";
import { hasCode } from "../storage-error.ts";
import { type Database, type Query, Queue } from "./database.ts";
import { markTable } from "./migrations.ts";
import { damaged } from "./rows.ts";
import { isBusy, sqliteError } from "./sqlite-errors.ts";

/** Milliseconds that SQLite itself waits for another process, in which this one does nothing else. */
const blockedMilliseconds = 50;

/** A transaction that has not begun. */
interface Waiting {
  /** Returns what lets its caller know of the result. */
  work(): Promise<() => void>;
  reject(error: unknown): void;
}

/** A file of SQLite. */
export class SqliteDatabase implements Database {
  readonly place: string;
  readonly #database: DatabaseSync;
  readonly #lock: Lock;
  readonly #patience: number;
  readonly #queue = new Queue();
  readonly #waiting: Waiting[] = [];
  readonly #statements = new Map<string, StatementSync>();

  private constructor(place: string, database: DatabaseSync, lock: Lock, patience: number) {
    this.place = place;
    this.#database = database;
    this.#lock = lock;
    this.#patience = patience;
  }

  /**
   * Opens a file and makes it where there is none. `FILE.RUN.lock` beside it lets one process in per run.
   *
   * @param patience milliseconds to wait for other programs that write the file
   * @throws `ledger/locked`, `ledger/busy`, `ledger/damaged`, `ledger/foreign`, `ledger/foreign-journal`, `store/no-folder`,
   *   `store/not-writable`, `store/read-only`, `store/disk-full`, `store/link`, `store/not-a-file`, `node/version`
   */
  static async open(path: string, run: string, patience: number): Promise<SqliteDatabase> {
    const sqlite = await loadSqlite("which keeps the ledger of a run", path);
    const file = await placeOf(path);
    const lock = await acquireLock(`${file}.${run}.lock`, "ledger");
    try {
      await requirePlainDatabase(file);
      if (await namesAnotherFile(`${file}-journal`)) throw foreignJournal(file);
      const database = await patiently(patience, () => {
        const opened = new sqlite.DatabaseSync(file, { timeout: blockedMilliseconds });
        return prepared(opened, file);
      });
      return new SqliteDatabase(file, database, lock, patience);
    } catch (error) {
      await lock.release();
      throw sqliteError(error, file);
    }
  }

  /** Transactions that wait at the same time share one commit: each would else block this thread until it is on the disk. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work: async () => this.#apart(work, resolve), reject });
      void this.#queue.add(() => this.#commit());
    });
  }

  close(): Promise<void> {
    return this.#queue.add(async () => {
      if (this.#database.isOpen) this.#database.close();
      await this.#lock.release();
    });
  }

  /** Runs what waits, commits it, then lets the callers know. */
  async #commit(): Promise<void> {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return; // a commit before had it
    const done: (() => void)[] = [];
    try {
      this.#undo(); // nothing, unless it failed before
      await patiently(this.#patience, () => this.#database.exec("BEGIN IMMEDIATE"));
      for (const one of batch) done.push(await this.#savepoint(one));
      await patiently(this.#patience, () => this.#database.exec("COMMIT"));
    } catch (error) {
      this.#undo();
      const failure = sqliteError(error, this.place);
      for (const { reject } of batch) reject(failure);
      return;
    }
    for (const tell of done) tell();
  }

  /** Undoes what was not committed; where that fails too, before the next transaction. */
  #undo(): void {
    try {
      // SQLite has undone it already after some failures
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } catch {} // the callers are told why there was no commit
  }

  /** Runs one of a batch; its failure undoes nothing of the others. Returns what lets its caller know. */
  async #savepoint({ work, reject }: Waiting): Promise<() => void> {
    this.#database.exec("SAVEPOINT one");
    let done: () => void;
    try {
      done = await work();
    } catch (error) {
      if (!this.#database.isTransaction) throw error; // SQLite has undone the whole
      this.#database.exec("ROLLBACK TO one");
      done = () => reject(sqliteError(error, this.place));
    }
    this.#database.exec("RELEASE one");
    return done;
  }

  async #apart<T>(work: (query: Query) => Promise<T>, resolve: (result: T) => void): Promise<() => void> {
    const result = await work(async (statement, ...values) => this.#prepare(statement).all(...values));
    return () => resolve(result);
  }

  #prepare(statement: string): StatementSync {
    let prepared = this.#statements.get(statement);
    if (prepared === undefined) {
      prepared = this.#database.prepare(statement);
      this.#statements.set(statement, prepared);
    }
    return prepared;
  }
}

/** The same file has one lock, by whatever links its folder is reached. */
async function placeOf(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return join(await realpath(dirname(full)), basename(full));
  } catch (cause) {
    if (!hasCode(cause, "ENOENT", "ENOTDIR")) throw sqliteError(cause, full);
    throw new AnabranchError({
      code: "store/no-folder",
      message: "the folder of the ledger does not exist",
      where: dirname(full),
      advice: "Make it, or choose another place for the ledger.",
      cause,
    });
  }
}

/** Nothing is written before the database is known to be of ledgers, or empty. */
function prepared(database: DatabaseSync, path: string): DatabaseSync {
  try {
    const [check] = database.prepare("PRAGMA quick_check(1)").all();
    if (check?.["quick_check"] !== "ok") throw damaged(path, String(check?.["quick_check"]));
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    if (tables.length > 0 && !tables.some(({ name }) => name === markTable)) throw foreign(path);
    // EXTRA is FULL, and where a disk has no write-ahead log it also waits for the folder's entry of a journal;
    // without fullfsync macOS leaves data in the cache of the drive
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = EXTRA; PRAGMA fullfsync = ON");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Calls until SQLite is not busy, and leaves other work of this process the time between. */
async function patiently<T>(patience: number, call: () => T): Promise<T> {
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await sleep(blockedMilliseconds);
  }
}

function foreign(path: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/foreign",
    message: "this database is not a ledger, and was left as it is",
    where: path,
    advice: "Choose another file for the ledger.",
  });
}

function foreignJournal(path: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/foreign-journal",
    message: "beside the ledger is a journal by which SQLite would delete another file",
    where: `${path}-journal`,
    advice: "A ledger makes no such file. Do not use this folder before you know how it got there.",
  });
}
