import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isRunFolder } from "./run-folder.ts";
import { RunIndex } from "./run-index.ts";
import { matchRun } from "./run-match.ts";
import { RunSummarizer, type RunSummary } from "./run-summary.ts";
import { hasCode, readingError } from "./storage-error.ts";

/**
 * All runs below a folder, newest first; a folder that does not exist holds none, and is not made for a look.
 *
 * @throws `store/not-a-folder`, `store/not-readable`, and for its index `store/foreign-index`, `store/link`
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { listRuns } from "@anabranch/node";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * await listRuns(root); // => []
 * ```
 */
export async function listRuns(root: string): Promise<RunSummary[]> {
  if (!(await isFolder(root))) return [];
  using index = await RunIndex.open(root);
  return await index.list();
}

/**
 * The run meant by an id, the beginning of one, a run's name, a folder or "last".
 *
 * @throws `run/not-found` with the nearest ids, `run/ambiguous` with the candidates
 * @example
 * ```ts
 * import { findRun } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * const found = await findRun(root, "last").catch(({ code }) => code);
 * found; // => "run/not-found"
 * ```
 */
export async function findRun(root: string, text: string): Promise<RunSummary> {
  if (await isRunFolder(text)) return (await RunSummarizer.ofFolder(text)).summary;
  return matchRun(await listRuns(root), text, resolve(root));
}

/** Whether there is a folder; a file in its place is an error. */
async function isFolder(root: string): Promise<boolean> {
  try {
    if ((await stat(root)).isDirectory()) {
      await access(root, constants.R_OK | constants.X_OK);
      return true;
    }
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw readingError(error, place(root));
  }
  throw readingError(Object.assign(new Error("it is not a folder"), { code: "ENOTDIR" }), place(root));
}

function place(root: string) {
  return { what: "the folder of runs", path: resolve(root) };
}
