import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isRunFolder } from "./run-folder.ts";
import { RunIndex } from "./run-index.ts";
import { matchRun } from "./run-match.ts";
import { RunSummarizer, type RunSummary } from "./run-summary.ts";

/** All runs below a folder, newest first; a folder that does not exist holds none, and is not made for a look. */
export async function listRuns(root: string): Promise<RunSummary[]> {
  if (!existsSync(root)) return [];
  using index = await RunIndex.open(root);
  return await index.list();
}

/**
 * The run meant by an id, the beginning of one, a run's name, a folder or "last".
 *
 * @throws `run/not-found` with the nearest ids, `run/ambiguous` with the candidates
 */
export async function findRun(root: string, text: string): Promise<RunSummary> {
  if (await isRunFolder(text)) return (await RunSummarizer.ofFolder(text)).summary;
  return matchRun(await listRuns(root), text, resolve(root));
}
