import { access, constants, realpath, stat, unlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AnabranchError } from "@anabranch/core";
import { diskFileSystem, fileSystemBelow } from "../store/disk-file-system.ts";
import { type FileSystem, hasCode, replaceFile, storageError } from "../store/file-system.ts";

/**
 * Writes a file that a command was asked for. One that is there is replaced only by force; a device or pipe that the user
 * names is written to.
 *
 * @throws `usage/file-exists`, `usage/no-folder`, `store/*`
 */
export async function writeResult(file: string, bytes: Uint8Array, force: boolean): Promise<void> {
  try {
    if (force && !(await isSpecial(file))) await replaceFile(diskFileSystem, file, bytes);
    else if (await isSpecial(file)) await writeFile(file, bytes);
    else await writeNew(file, bytes);
  } catch (error) {
    if (hasCode(error, "EEXIST", "EISDIR")) throw exists(file, error);
    if (hasCode(error, "ENOENT")) throw noFolder(file, error);
    throw storageError(error, { what: "the file", path: file, bytes: bytes.length });
  }
}

/** A folder for a report of a command, and the disk below it. */
export interface ReportFolder {
  readonly folder: string;
  readonly files: FileSystem;
}

/**
 * Makes a folder that a command was asked for; it may be reached through links.
 *
 * @throws `store/*`
 */
export async function openNamedFolder(folder: string): Promise<ReportFolder> {
  try {
    await diskFileSystem.makeFolder(folder);
    const real = await realpath(folder);
    return { folder: real, files: fileSystemBelow(real) };
  } catch (error) {
    throw storageError(error, { what: "the report", path: folder });
  }
}

/**
 * Makes a folder whose name the command has chosen, in `parent`, which may be another's: a link of that name is refused.
 *
 * @throws `store/*`
 */
export async function openOwnFolder(parent: string, name: string): Promise<ReportFolder> {
  try {
    await diskFileSystem.makeFolder(parent);
    const root = await realpath(parent);
    const files = fileSystemBelow(root);
    await files.makeFolder(join(root, name));
    await access(join(root, name), constants.W_OK);
    return { folder: join(root, name), files };
  } catch (error) {
    throw storageError(error, { what: "the report", path: resolve(parent, name) });
  }
}

/** Refuses to write a report over files that are no report of Anabranch. Throws `usage/file-exists`. */
export async function requireOwnReport({ folder, files }: ReportFolder): Promise<void> {
  const path = join(folder, "report.html");
  const found = await files.read(path);
  const isOwn = found !== undefined && Buffer.from(found).includes("Anabranch report</title>");
  if (isOwn) return;
  if (found !== undefined) throw exists(path);
  if ((await files.list(join(folder, "charts"))).length > 0) throw exists(join(folder, "charts"));
}

async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes, { flag: "wx" });
  } catch (error) {
    if (!hasCode(error, "EEXIST", "ENOENT", "EACCES", "EROFS")) await unlink(file).catch(() => undefined);
    throw error;
  }
}

async function isSpecial(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

function exists(path: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "usage/file-exists",
    message: "the file already exists and was not changed",
    where: path,
    advice: "Choose another name, or overwrite it with --force.",
    cause,
  });
}

function noFolder(file: string, cause: unknown): AnabranchError {
  return new AnabranchError({
    code: "usage/no-folder",
    message: "the folder for the file does not exist",
    where: file,
    expected: "a file name in a folder that exists",
    cause,
  });
}
