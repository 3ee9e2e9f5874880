import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { AnabranchError } from "@anabranch/engine";
import { databaseFiles, loadSqlite, namesAnotherFile, requirePlainDatabase, resultCode } from "./sqlite-files.ts";
import { hasCode } from "./storage-error.ts";

/** Marks a database as an index of runs ("Anab"), so that no other program's is ever taken for one. */
const applicationId = 0x416e6162;

/** Changes when the table does; an index of another version is made anew from the folders. */
const schemaVersion = 3;

export const schema = `
  CREATE TABLE IF NOT EXISTS runs (
    folder TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    dataset TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    roundsDone INTEGER NOT NULL,
    roundsTotal INTEGER NOT NULL,
    finalAccuracy REAL,
    bestAccuracy REAL,
    finalRmse REAL,
    finalR2 REAL,
    bytesDown REAL NOT NULL,
    bytesUp REAL NOT NULL,
    seconds REAL NOT NULL,
    seed REAL NOT NULL,
    startedAt TEXT NOT NULL,
    updatedAt TEXT NOT NULL
  ) STRICT`;

/**
 * Opens an index of runs and makes it where there is none. One that is damaged is put aside, and made anew. Where the disk
 * does not let it be written, the index is kept in memory.
 *
 * @throws `store/foreign-index` for another program's database, `store/link`, `store/not-a-file`,
 *   `node/version` where Node has no SQLite
 */
export async function openIndexDatabase(path: string): Promise<DatabaseSync> {
  const sqlite = await loadSqlite("which keeps the index of runs", path);
  const prepare = (file: string) => prepareDatabase(new sqlite.DatabaseSync(file, { timeout: 10_000 }), file);
  for (let attempt = 0; ; attempt++) {
    await requirePlainDatabase(path);
    try {
      if (await namesAnotherFile(`${path}-journal`)) await putAside(path);
      const database = prepare(path);
      if (database !== undefined) return database;
      // everything in it comes from the folders
      for (const file of databaseFiles(path)) await rm(file, { force: true });
    } catch (error) {
      if (isUnwritable(error)) return await openMemoryIndex();
      if (!isDamaged(error) || attempt > 0) throw error;
      await putAside(path);
    }
  }
}

/** An index that is gone with its process. */
export async function openMemoryIndex(): Promise<DatabaseSync> {
  const sqlite = await loadSqlite("which keeps the index of runs", "the index of runs");
  return prepareDatabase(new sqlite.DatabaseSync(":memory:"), ":memory:")!;
}

/** Undefined for our index in another version, which is closed. */
function prepareDatabase(database: DatabaseSync, path: string): DatabaseSync | undefined {
  try {
    // nothing is written before the database is known to be ours
    requireOurs(kindOf(database), path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
    const kind = kindOf(database);
    requireOurs(kind, path);
    if (kind === "another version") {
      database.close();
      return undefined;
    }
    database.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; ${schema}; COMMIT`,
    );
    return database;
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** What the tables of earlier versions did not have. */
const EARLIER: Readonly<Record<number, RegExp>> = {
  1: /reason TEXT, |finalRmse REAL, |finalR2 REAL, /g,
  2: /finalRmse REAL, |finalR2 REAL, /g,
};

/** `ours`: exactly the table that this version makes, so that no view or trigger of a stranger's runs. */
function kindOf(database: DatabaseSync): "new" | "ours" | "another version" | "foreign" {
  const number = (pragma: string) => Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
  const [application, version] = [number("application_id"), number("user_version")];
  const entries = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex_%'")
    .all();
  if (entries.length === 0 && application === 0 && version === 0) return "new";
  const [only, ...more] = entries.map(({ sql }) => plain(String(sql)));
  const table = plain(schema).replace("IF NOT EXISTS ", "");
  const isMarked = application === applicationId;
  const isOurs = version === schemaVersion && only === table && more.length === 0;
  if (isOurs && (isMarked || application === 0)) return "ours";
  // indexes were not marked at first, so the table has to tell them
  const earlier = EARLIER[version];
  const isEarlier = earlier !== undefined && only === table.replace(earlier, "") && more.length === 0;
  return isMarked || (isEarlier && application === 0) ? "another version" : "foreign";
}

function plain(sql: string): string {
  return sql.replace(/\s+/g, " ").trim();
}

function requireOurs(kind: ReturnType<typeof kindOf>, path: string): void {
  if (kind !== "foreign") return;
  throw new AnabranchError({
    code: "store/foreign-index",
    message: "index.sqlite in the folder of runs is another program's database, and was left as it is",
    where: path,
    expected: "the index of runs, or no such file",
    advice: "Move it to another place, or choose another folder of runs with --runs.",
  });
}

/** A damaged file may be another program's, in a format that SQLite does not know. */
async function putAside(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}.damaged`;
  for (const file of databaseFiles(path)) {
    await rename(file, aside + file.slice(path.length)).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw error;
    });
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return [11, 26].includes(resultCode(error));
}

/** SQLITE_PERM, SQLITE_READONLY, SQLITE_FULL, SQLITE_CANTOPEN; a disk may refuse to have a file moved or removed. */
export function isUnwritable(error: unknown): boolean {
  return [3, 8, 13, 14].includes(resultCode(error)) || hasCode(error, "EACCES", "EPERM", "EROFS");
}
