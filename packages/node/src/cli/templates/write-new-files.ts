import { lstat, mkdir, writeFile } from "node:fs/promises";
import { AnabranchError } from "@anabranch/core";
import { hasCode, storageError } from "../../store/file-system.ts";
import type { NewFile } from "./template.ts";

/**
 * Writes new files. None is written where one of them exists, unless `force` is set.
 *
 * @param folder to make first, with those above it
 * @throws `config/exists`, `config/not-writable`, `store/*`
 */
export async function writeNewFiles(files: readonly NewFile[], force: boolean, folder?: string): Promise<void> {
  if (!force) for (const { path } of files) if (await exists(path)) throw alreadyThere(path);
  if (folder !== undefined) await written(folder, 0, () => mkdir(folder, { recursive: true }));
  for (const { path, text } of files) {
    await written(path, text.length, () => writeFile(path, text, { flag: force ? "w" : "wx" }));
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function written(path: string, bytes: number, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw alreadyThere(path, error);
    if (hasCode(error, "ENOENT", "ENOTDIR", "EISDIR")) {
      throw new AnabranchError({
        code: "config/not-writable",
        message: "the file cannot be written",
        where: path,
        received: error.message,
        expected: "a file name in a folder that exists",
        cause: error,
      });
    }
    throw storageError(error, { what: "the configuration", path, bytes });
  }
}

function alreadyThere(path: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "config/exists",
    message: "the file already exists and was not changed",
    where: path,
    advice: "Choose another name, or overwrite it with --force.",
    cause,
  });
}
