import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { hasCode } from "./storage-error.ts";

/**
 * Makes a folder and those above it that are missing. Node's recursive `mkdir` reports ENOENT for some failures, such as a
 * disk that is mounted read-only; here the folder that cannot be made has its own reason.
 *
 * @param mode permissions of folders that are made
 */
export async function makeFolders(folder: string, mode?: number): Promise<void> {
  const path = resolve(folder);
  try {
    await mkdir(path, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  } catch (error) {
    const parent = dirname(path);
    if (!hasCode(error, "ENOENT") || parent === path) throw error;
    await makeFolders(parent, mode);
    await mkdir(path, mode);
  }
}
