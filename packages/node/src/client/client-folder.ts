import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileSystemBelow } from "../store/disk-file-system.ts";
import type { FileSystem } from "../store/file-system.ts";
import { acquireLock } from "../store/lock.ts";
import { makeFolders } from "../store/make-folders.ts";
import { storageError } from "../store/storage-error.ts";

/** What a client keeps between its starts: its identity and the states of methods that have any. */
export interface ClientFolder {
  /** Without links. */
  readonly path: string;
  /** Follows no link below the folder. */
  readonly files: FileSystem;
  /** Lets another process use the folder. */
  release(): Promise<void>;
}

/** The folder of a client that was not given one: each number of a trial has its own. */
export function defaultClientFolder(run: string, client: number | undefined): string {
  return join("clients", client === undefined ? run : `${run}-${client}`);
}

/**
 * Opens the folder for this process alone, and makes it where it does not exist, readable by this user alone.
 *
 * @throws `identity/locked` where another process uses it, `store/...` where it cannot be written
 */
export async function openClientFolder(folder: string): Promise<ClientFolder> {
  const given = resolve(folder);
  try {
    await makeFolders(given, 0o700);
    const path = await realpath(given);
    const lock = await acquireLock(join(path, "identity.lock"), "identity");
    return { path, files: fileSystemBelow(path), release: () => lock.release() };
  } catch (error) {
    throw storageError(error, { what: "the folder of the client", path: given, of: "client" });
  }
}
