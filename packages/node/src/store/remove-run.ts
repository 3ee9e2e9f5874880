import { rm } from "node:fs/promises";
import { AnabranchError } from "@anabranch/core";
import { hasRunName, openRunFolder } from "./run-folder.ts";
import { storageError } from "./storage-error.ts";

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
