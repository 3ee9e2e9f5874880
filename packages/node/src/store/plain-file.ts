import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AnabranchError } from "@anabranch/engine";
import { hasCode } from "./storage-error.ts";

/**
 * Files of folders that others may have made. A link could lead anywhere, a named pipe would be waited for without end: only
 * regular files are opened. What was opened is looked at, not what had the name before.
 */
const { O_CREAT, O_EXCL, O_WRONLY, O_RDWR, O_APPEND, O_RDONLY } = constants;
// Windows has neither; there `openPlain` looks at the name first.
const O_NOFOLLOW: number | undefined = constants.O_NOFOLLOW;
const safely = (O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const flags = {
  read: O_RDONLY | safely,
  /** For reading and adding; made where it does not exist. */
  append: O_RDWR | O_APPEND | O_CREAT | safely,
  /** Fails with EEXIST where the name is taken, be it by a link that leads nowhere. */
  create: O_WRONLY | O_CREAT | O_EXCL | safely,
  /** To wait for the disk. */
  change: O_RDWR | safely,
} as const;

export type Access = keyof typeof flags;

/**
 * Opens a regular file.
 *
 * @param path where it is reached; @param name how it is called in errors; @param mode permissions of a file that is made
 * @throws `store/link` for symbolic links, and for files with several names where they are to be changed;
 *   `store/not-a-file` for folders, pipes, sockets and devices; the system's errors
 */
export async function openPlain(path: string, access: Access, name = path, mode?: number): Promise<FileHandle> {
  let file: FileHandle;
  try {
    lookFirst(path, name);
    file = await open(path, flags[access], mode);
  } catch (error) {
    throw openingError(error, name);
  }
  try {
    requirePlain(await file.stat(), access, name);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same for reading at once; gives the descriptor. */
export function openPlainSync(path: string, name = path): number {
  let file: number;
  try {
    lookFirst(path, name);
    file = openSync(path, flags.read);
  } catch (error) {
    throw openingError(error, name);
  }
  try {
    requirePlain(fstatSync(file), "read", name);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A whole file of at most `limit` bytes; undefined where it does not exist. Throws `store/too-large`, and as `openPlain`. */
export function readPlainSync(path: string, limit: number): Buffer | undefined {
  let file: number;
  try {
    file = openPlainSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    requireSize(fstatSync(file).size, limit, path);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

export function requireSize(size: number, limit: number, path: string): void {
  if (size <= limit) return;
  throw new AnabranchError({
    code: "store/too-large",
    message: "the file is too large to be read",
    where: path,
    received: `${size} bytes`,
    expected: `${limit} bytes at most`,
    advice: "Files of runs do not become so large: it is damaged, or something else.",
  });
}

/** The refusal of something that is no regular file, or no folder where one belongs. */
export function notPlain(
  name: string,
  stats: Pick<Stats, "isSymbolicLink" | "isDirectory" | "isFile">,
): AnabranchError {
  if (stats.isSymbolicLink()) return linked(name, "a symbolic link");
  return new AnabranchError({
    code: "store/not-a-file",
    message: "this is not what should be here",
    where: name,
    received: stats.isDirectory() ? "a folder" : stats.isFile() ? "a file" : "a pipe, socket or device",
    expected: "regular files, and folders of such",
    advice: "Do not use this folder before you know how it got there.",
  });
}

/** The refusal of a link. */
export function linked(name: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "store/link",
    message: "this is a link, which may lead out of the folder; it was not followed",
    where: name,
    received,
    expected: "regular files with one name, and folders of such",
    advice: "If the link is yours, put the file itself in its place. If not, do not use this folder.",
  });
}

function requirePlain(stats: Stats, access: Access, name: string): void {
  if (!stats.isFile()) throw notPlain(name, stats);
  // to add to a file changes it under all of its names
  if (stats.nlink > 1 && access === "append") throw linked(name, `a file with ${stats.nlink} names (hard links)`);
}

function lookFirst(path: string, name: string): void {
  if (O_NOFOLLOW !== undefined) return;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) throw notPlain(name, stats);
}

/** ELOOP (EMLINK on some systems): a link; EISDIR: a folder; ENXIO: a pipe or socket. */
function openingError(error: unknown, name: string): unknown {
  if (hasCode(error, "ELOOP", "EMLINK")) return linked(name, "a symbolic link");
  if (!hasCode(error, "EISDIR", "ENXIO")) return error;
  return notPlain(name, {
    isSymbolicLink: () => false,
    isDirectory: () => error.code === "EISDIR",
    isFile: () => false,
  });
}
