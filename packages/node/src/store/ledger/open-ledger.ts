import { randomUUID } from "node:crypto";
import type { Ledger } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import type { Database } from "./database.ts";
import { PostgresDatabase } from "./postgres-database.ts";
import { SqlLedger } from "./sql-ledger.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

/** Milliseconds to wait for other programs that write a file, and for a connection that broke. */
export interface LedgerPatience {
  readonly file?: number;
  readonly connection?: number;
}

/**
 * Opens the ledger of a run, and makes it where there is none. What it accepted survives the death of the process and the
 * loss of power.
 *
 * @param url a path or `sqlite:PATH` for a file of SQLite, `postgres://USER:PASSWORD@HOST/DATABASE` for PostgreSQL
 * @param run letters, digits, `.`, `_` and `-`
 * @throws `ledger/url`, `ledger/run`, `ledger/locked` while another process has it open, `ledger/newer`,
 *   and as `SqliteDatabase.open` and `PostgresDatabase.open`
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { openLedger } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * const folder = await mkdtemp(join(tmpdir(), "ledger-"));
 * const ledger = await openLedger(join(folder, "ledger.sqlite"), "k3f9a2");
 * await ledger.close();
 * ```
 */
export async function openLedger(url: string, run: string, patience: LedgerPatience = {}): Promise<Ledger> {
  requireRun(run);
  const holder = randomUUID();
  if (/^postgres(ql)?:/.test(url)) {
    const database = await PostgresDatabase.open(url, withoutPassword(url), run, holder);
    const ledger = await opened(database, run, holder);
    database.retryFor(patience.connection ?? 60_000);
    return ledger;
  }
  const path = url.replace(/^sqlite:/, "");
  if (path === "" || /^[a-z][a-z+]+:\/\//i.test(path)) throw unknownUrl();
  return opened(await SqliteDatabase.open(path, run, patience.file ?? 10_000), run, holder);
}

async function opened(database: Database, run: string, holder: string): Promise<Ledger> {
  try {
    return await SqlLedger.open(database, run, holder);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** User, host and name of a database; what else an address has may be secret. */
function withoutPassword(url: string): string {
  if (!URL.canParse(url)) throw unknownUrl();
  const { protocol, username, host, pathname } = new URL(url);
  return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}`;
}

function requireRun(run: string): void {
  if (/^[A-Za-z0-9][\w.-]{0,127}$/.test(run)) return;
  throw new AnabranchError({
    code: "ledger/run",
    message: "this cannot be the name of a run in a ledger",
    received: JSON.stringify(run),
    expected: "1 to 128 letters, digits, dots, underscores and hyphens, the first a letter or digit",
    advice: "Choose another name.",
  });
}

/** The address is not shown: it may have a password in it. */
function unknownUrl(): AnabranchError {
  return new AnabranchError({
    code: "ledger/url",
    message: "the address of the ledger is not understood",
    expected: "a path, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
    advice: "Correct it. Characters of a password other than letters and digits are written as %40 for @.",
  });
}
