import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "@anabranch/core";
import { readRunFolder } from "../report/run-data.ts";
import { endOf } from "../report/run-end.ts";
import { listRuns } from "../store/find-run.ts";
import type { RunSummary } from "../store/run-summary.ts";
import { runIdentity } from "./expand.ts";

/** A run that lies in the folder of runs already. */
export interface FoundRun {
  readonly folder: string;
  /** Nothing is left to train: it has finished or diverged, which it would do again. */
  readonly complete: boolean;
}

/** The runs below a folder by what they compute; of several the complete one, else the one that has come furthest. */
export async function findRunsByIdentity(root: string): Promise<Map<string, FoundRun>> {
  const best = new Map<string, FoundRun & { rounds: number }>();
  for (const summary of await listRuns(root)) {
    const identity = await identityOf(summary.folder);
    if (identity === undefined) continue;
    const found = { folder: summary.folder, complete: isComplete(summary), rounds: summary.roundsDone };
    const known = best.get(identity);
    const better = known === undefined || (!known.complete && (found.complete || found.rounds > known.rounds));
    if (better) best.set(identity, found);
  }
  return best;
}

/** Undefined for a run whose configuration is missing or of another version. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    return runIdentity(parseConfig(await readFile(join(folder, "config.toml"), "utf8"), folder));
  } catch {
    return undefined;
  }
}

function isComplete({ status, folder }: RunSummary): boolean {
  if (status === "finished" || status === "stopped") return true;
  return status === "failed" && endOf(readRunFolder(folder)) === "diverged";
}
