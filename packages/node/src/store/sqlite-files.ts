import { type FileHandle, lstat } from "node:fs/promises";
import { newerNodeNeeded } from "../node-version.ts";
import { linked, notPlain, openPlain } from "./plain-file.ts";
import { hasCode } from "./storage-error.ts";

/**
 * SQLite, loaded where it is used, so that a program that keeps no runs works without it.
 *
 * @param use what it is for, as "which keeps the index of runs"
 * @throws `node/version` where Node has no SQLite
 */
export async function loadSqlite(use: string, path: string): Promise<typeof import("node:sqlite")> {
  return import("node:sqlite").catch((cause: unknown) => {
    throw newerNodeNeeded(`this Node has no SQLite, ${use}`, path, cause);
  });
}

/** SQLite's own files beside a database. */
export function databaseFiles(path: string): string[] {
  return ["", "-wal", "-shm", "-journal"].map((ending) => path + ending);
}

/**
 * SQLite follows links and takes any file, so they are looked at before.
 *
 * @throws `store/link`, `store/not-a-file`
 */
export async function requirePlainDatabase(path: string): Promise<void> {
  for (const file of databaseFiles(path)) {
    try {
      const stats = await lstat(file);
      if (!stats.isFile()) throw notPlain(file, stats);
      if (stats.nlink > 1) throw linked(file, `a file with ${stats.nlink} names (hard links)`);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
}

/** How a journal of SQLite begins, and one that names another file also ends. */
const journalMark = Buffer.from("d9d505f920a163d7", "hex");

/**
 * Whether a journal names another file, as one of several databases does (a "super-journal"). After such a journal is
 * played back, SQLite deletes the file that it names, wherever that is. Databases of ours have none.
 */
export async function namesAnotherFile(journal: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await openPlain(journal, "read");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
  try {
    const end = Buffer.alloc(journalMark.length);
    const { size } = await file.stat();
    await file.read(end, 0, end.length, Math.max(0, size - end.length));
    return end.equals(journalMark);
  } finally {
    await file.close();
  }
}

/** The result code of SQLite without its extension; 0 for other errors. */
export function resultCode(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
}
