import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AnabranchError } from "@anabranch/engine";

/** The few file operations durable storage needs; tests replace it to see a full disk or a crash. */
export interface FileSystem {
  /** The whole file; undefined where it does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder, with a trailing slash for sub folders, unordered; none where it does not exist. */
  list(folder: string): Promise<string[]>;
  /** Creates or overwrites a file. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Waits until the bytes of a file are on the disk. */
  syncFile(path: string): Promise<void>;
  /** Replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>;
  makeFolder(folder: string): Promise<void>;
  /** Waits until the names in a folder are on the disk. */
  syncFolder(folder: string): Promise<void>;
}

/** The disk. */
export const diskFileSystem: FileSystem = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  },
  async list(folder) {
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
  },
  write: (path, bytes) => writeFile(path, bytes),
  syncFile: (path) => sync(path, "r+"),
  rename,
  remove: (path) => rm(path, { force: true }),
  makeFolder: async (folder) => {
    await mkdir(folder, { recursive: true });
  },
  // Windows cannot open a folder; there the rename itself is the best that can be had.
  syncFolder: (folder) => (process.platform === "win32" ? Promise.resolve() : sync(folder, "r")),
};

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const temporaryPattern = /^\..*\.[0-9a-f]{12}\.tmp$/;

/** Whether a file name is one that `writeAtomically` leaves behind when the process dies. */
export function isTemporaryName(name: string): boolean {
  return temporaryPattern.test(name);
}

/**
 * Replaces a file so that a reader, or the disk after a power cut, has either the old bytes or the new ones.
 *
 * @param what what is being written, for the error, e.g. "the checkpoint of round 3"
 * @throws `store/disk-full`, `store/not-writable`
 */
export async function writeAtomically(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
  what = basename(path),
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await files.write(temporary, bytes);
    await files.syncFile(temporary);
    await files.rename(temporary, path);
    await files.syncFolder(folder);
  } catch (error) {
    // Room taken by a half-written file is given back; a failure to do so must not hide the first one.
    await files.remove(temporary).catch(() => undefined);
    throw storageError(error, { what, path, bytes: bytes.length });
  }
}

/** A failed write as an error a user can act on; errors of other kinds come back as they are. */
export function storageError(error: unknown, write: { what: string; path: string; bytes?: number }): unknown {
  const { what, path, bytes } = write;
  const size = bytes === undefined ? "" : ` (${bytes} bytes)`;
  if (hasCode(error, "ENOSPC", "EDQUOT", "EFBIG")) {
    return new AnabranchError({
      code: "store/disk-full",
      message: `there is no room on the disk for ${what}${size}`,
      where: path,
      advice: "What was saved before is intact. Free space, then continue with: anabranch resume RUN",
      cause: error,
    });
  }
  if (hasCode(error, "EACCES", "EPERM", "EROFS")) {
    return new AnabranchError({
      code: "store/not-writable",
      message: `${what}${size} cannot be written`,
      where: path,
      received: error.code,
      expected: "a folder that this user may write to",
      advice: "Change its permissions or choose another folder; then continue with: anabranch resume RUN",
      cause: error,
    });
  }
  return error;
}

/** Whether an error of the system has one of the given codes. */
export function hasCode(error: unknown, ...codes: string[]): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}
