import { lstat, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { AnabranchError } from "@anabranch/core";
import { hasRunName, openRunFolder } from "./run-folder.ts";
import { hasCode, storageError } from "./storage-error.ts";

/**
 * Deletes the folder of a run. Only folders that are named as Anabranch names them are deleted: another folder with a
 * config.toml may hold more than a run.
 *
 * @throws `run/not-removable`, `run/locked` while another process writes the run, `run/not-found`, `store/*`
 */
export async function removeRun(folder: string): Promise<void> {
  const run = await openRunFolder(folder);
  if (!hasRunName(run.folder)) {
    throw new AnabranchError({
      code: "run/not-removable",
      message: "the folder was renamed, so it may hold more than a run",
      where: run.folder,
      expected: "a folder named DATE-TIME-NAME-ID",
      advice: "Delete it by hand.",
    });
  }
  const lock = await run.lock();
  try {
    await rm(run.folder, { recursive: true, maxRetries: 3 });
  } catch (error) {
    throw storageError(error, { what: "the run", path: run.folder });
  } finally {
    await lock.release();
  }
}

/**
 * Refuses a link in the place of a run that is named by its path: the run lies elsewhere, where it is not expected to be
 * deleted.
 *
 * @throws `run/not-removable`, and what the system says
 */
export async function requireNoLink(path: string): Promise<void> {
  const where = resolve(path); // a slash at the end would follow the link
  try {
    if (!(await lstat(where)).isSymbolicLink()) return;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG")) return; // an id or a name
    throw storageError(error, { what: "the run", path: where });
  }
  throw new AnabranchError({
    code: "run/not-removable",
    message: "this is a link to a run that lies elsewhere",
    where,
    expected: "the folder itself",
    advice: "Delete the link by hand, or name the folder that it leads to.",
  });
}
