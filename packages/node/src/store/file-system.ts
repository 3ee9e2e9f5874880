import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { storageError } from "./storage-error.ts";

export { hasCode, storageError } from "./storage-error.ts";

/** Bytes of a new file, whole or in parts. */
export type Contents = Uint8Array | Iterable<Uint8Array>;

/** A file that is held open. Node's file handles are one; users of the packages need no types of Node for it. */
export interface OpenFile {
  appendFile(data: Uint8Array | string): Promise<void>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<{ readonly size: number }>;
  close(): Promise<void>;
}

/** The few file operations durable storage needs; tests replace it to see a full disk or a crash. */
export interface FileSystem {
  /** The whole file, of at most `limit` bytes; undefined where it does not exist. */
  read(path: string, limit?: number): Promise<Uint8Array | undefined>;
  /** Names in a folder, with a trailing slash for sub folders, unordered; none where it does not exist. */
  list(folder: string): Promise<string[]>;
  /** Opens a file to read it in parts; undefined where it does not exist. Nothing may be written to it. */
  open(path: string): Promise<OpenFile | undefined>;
  /**
   * Makes a new file; what had its name before loses it, and is not written to.
   * @param mode permissions, e.g. 0o600 for what only this user may read; by default those of other files
   */
  write(path: string, contents: Contents, mode?: number): Promise<void>;
  /** Opens a file to read it and to add to it, and makes it where it does not exist. */
  append(path: string): Promise<OpenFile>;
  /** Waits until the bytes of a file are on the disk. */
  syncFile(path: string): Promise<void>;
  /** Replaces `to`; both are on one disk. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>;
  makeFolder(folder: string): Promise<void>;
  /** Waits until the names in a folder are on the disk. */
  syncFolder(folder: string): Promise<void>;
}

const temporaryPattern = /^\..*\.[0-9a-f]{12}\.tmp$/;

/** Whether a file name is one that `writeAtomically` leaves behind when the process dies. */
export function isTemporaryName(name: string): boolean {
  return temporaryPattern.test(name);
}

/**
 * Replaces a file so that a reader, or the disk after a power cut, has either the old bytes or the new ones. A link of
 * that name is replaced itself.
 *
 * @param what what is being written, for the error, e.g. "the checkpoint of round 3"
 * @throws `store/disk-full`, `store/not-writable`, `store/read-only`
 * @example
 * ```ts
 * import { diskFileSystem, writeAtomically } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp, readFile } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const path = join(await mkdtemp(join(tmpdir(), "runs-")), "notes.txt");
 * await writeAtomically(diskFileSystem, path, Buffer.from("done"));
 * await readFile(path, "utf8"); // => "done"
 * ```
 */
export async function writeAtomically(
  files: FileSystem,
  path: string,
  contents: Contents,
  what = basename(path),
): Promise<void> {
  await replace(files, path, contents, what, true);
}

/** The same for files that can be made anew: a reader sees old or new bytes, a power cut may lose both. */
export async function replaceFile(files: FileSystem, path: string, contents: Contents): Promise<void> {
  await replace(files, path, contents, basename(path), false);
}

async function replace(
  files: FileSystem,
  path: string,
  contents: Contents,
  what: string,
  durable: boolean,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await files.write(temporary, contents);
    if (durable) await files.syncFile(temporary);
    await files.rename(temporary, path);
    if (durable) await files.syncFolder(folder);
  } catch (error) {
    // Room taken by a half-written file is given back; a failure to do so must not hide the first one.
    await files.remove(temporary).catch(() => undefined);
    const size = contents instanceof Uint8Array ? { bytes: contents.length } : {};
    throw storageError(error, { what, path, ...size });
  }
}
