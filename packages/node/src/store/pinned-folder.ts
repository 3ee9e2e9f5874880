import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync } from "node:fs";
import { linked, notPlain } from "./plain-file.ts";
import { hasCode } from "./storage-error.ts";

/** A folder that was looked at, by a path that stays its own. */
export interface PinnedFolder extends Disposable {
  readonly path: string;
}

/**
 * Makes sure that no part of a folder's path is a link. On Linux the folder is held open and used through its descriptor,
 * so that a link put in its place afterwards is not followed; elsewhere that moment remains.
 *
 * @param folder without links, as `realpath` gives it
 * @throws `store/link`, `store/not-a-file`, ENOENT
 */
export function pinFolder(folder: string): PinnedFolder {
  if (process.platform !== "linux") return looked(folder);
  let descriptor: number;
  try {
    descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw hasCode(error, "ENOTDIR", "ELOOP") ? noFolder(folder, error) : error;
  }
  const close = () => closeSync(descriptor);
  try {
    const path = `/proc/self/fd/${descriptor}`;
    if (readlinkSync(path) !== folder) throw linked(folder, "a path through a symbolic link");
    return { path, [Symbol.dispose]: close };
  } catch (error) {
    close();
    // a system without /proc
    if (hasCode(error, "ENOENT")) return looked(folder);
    throw error;
  }
}

function looked(folder: string): PinnedFolder {
  if (realpathSync(folder) !== folder) throw linked(folder, "a path through a symbolic link");
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw notPlain(folder, stats);
  return { path: folder, [Symbol.dispose]: () => {} };
}

/** What stands where a folder should; the system's error where that is not known. */
function noFolder(folder: string, error: unknown): unknown {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats === undefined || stats.isDirectory() ? error : notPlain(folder, stats);
}
