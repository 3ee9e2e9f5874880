import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { notFound } from "../server/http-error.ts";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { hasCode } from "../store/storage-error.ts";
import { requireShortLog } from "./log-size.ts";

/**
 * The folder of a run that is in the list. A name from a request is one entry of the folder of runs, and nothing else: no
 * path, and no link.
 *
 * @param root folder of runs
 * @throws HttpError 404; `store/link`, `store/not-a-file`, `store/not-readable`
 */
export async function findFolder(root: string, name: string): Promise<RunFolder> {
  if (name === "" || name === "." || name === ".." || /[\0/\\]/.test(name)) throw noRun();
  try {
    const folder = join(await realpath(root), name);
    if (!(await lstat(folder)).isDirectory()) throw noRun();
    return await openRunFolder(folder);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG")) throw noRun();
    throw error;
  }
}

/**
 * The path of a run that is read as a whole.
 *
 * @throws as `findFolder`; `store/too-large`
 */
export async function findReadable(root: string, name: string): Promise<string> {
  const run = await findFolder(root, name);
  await requireShortLog(run);
  return run.folder;
}

function noRun() {
  return notFound("no such run");
}
