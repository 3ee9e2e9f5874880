import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasRunName, isRunFolder } from "./run-folder.ts";
import { readingError } from "./storage-error.ts";

/**
 * The folders of runs below a folder, unordered. Links are left out.
 *
 * @throws `store/not-a-folder`, `store/not-readable`, ENOENT
 */
export async function listRunFolders(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
    const runs = await Promise.all(folders.map(isRun));
    return folders.filter((_, i) => runs[i]);
  } catch (error) {
    throw readingError(error, { what: "the folder of runs", path: root });
  }
}

/** A folder that one may not look into is a run where it is named as one. */
async function isRun(folder: string): Promise<boolean> {
  try {
    return await isRunFolder(folder);
  } catch {
    return hasRunName(folder);
  }
}
