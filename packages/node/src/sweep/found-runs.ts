import { VERSION } from "@anabranch/core";
import { type RunData, readRunFolder } from "../report/run-data.ts";
import { classifyEnd } from "../report/run-end.ts";
import { readRunConfig } from "../run/run-config.ts";
import { listRuns } from "../store/find-run.ts";
import { everyRun, type PlannedRun, runIdentity, type Sweep } from "./expand.ts";
import { openSweepData, type SweepData } from "./sweep-data.ts";

/** A run that lies in the folder of runs already. */
export interface FoundRun {
  readonly folder: string;
  /** Nothing is left to train: it has finished or diverged, which it would do again. */
  readonly complete: boolean;
}

/** A run with the configuration of one of the sweep, whose result would be another today. */
export interface NotReused {
  readonly run: string;
  readonly folder: string;
  /** What differs: the data and how they are dealt out, or the version of Anabranch. */
  readonly reason: "data" | "version";
  /** Hash or version when it was trained, and now. */
  readonly before: string;
  readonly now: string;
}

/** What there is of a sweep, by identity. */
export interface FoundRuns {
  /** Of several runs the complete one, else the one that has come furthest. */
  readonly reusable: ReadonlyMap<string, FoundRun>;
  /** Only where no run is reusable. */
  readonly notReused: ReadonlyMap<string, NotReused>;
}

/**
 * The runs of a sweep that lie below a folder. A run is reused where its configuration computes the same and its log names
 * the data and the version of today; logs of versions that named neither are trusted.
 */
export async function findRuns(sweep: Sweep, root: string, dataDir?: string): Promise<FoundRuns> {
  const wanted = new Map(everyRun(sweep).map((planned) => [planned.identity, planned]));
  const data = openSweepData(dataDir);
  const reusable = new Map<string, FoundRun & { rounds: number }>();
  const notReused = new Map<string, NotReused>();
  for (const { folder, status } of await listRuns(root)) {
    const planned = status === "unreadable" ? undefined : wanted.get((await identityOf(folder)) ?? "");
    if (planned === undefined) continue;
    const run = tryRead(folder);
    if (run === undefined) continue;
    const difference = await differenceOf(run, planned, data);
    if (difference !== undefined) {
      notReused.set(planned.identity, { run: run.id, folder, ...difference });
      continue;
    }
    const end = classifyEnd(run);
    const found = { folder, complete: end === "finished" || end === "diverged", rounds: run.rounds.at(-1)?.round ?? 0 };
    const known = reusable.get(planned.identity);
    const better = known === undefined || (!known.complete && (found.complete || found.rounds > known.rounds));
    if (better) reusable.set(planned.identity, found);
  }
  for (const identity of reusable.keys()) notReused.delete(identity);
  return { reusable, notReused };
}

/** Undefined for a run whose configuration is missing or of another version, or that cannot be read. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    return runIdentity(await readRunConfig(folder));
  } catch {
    return undefined;
  }
}

function tryRead(folder: string): RunData | undefined {
  try {
    return readRunFolder(folder);
  } catch {
    return undefined; // to show it tells why
  }
}

async function differenceOf(
  { start }: RunData,
  { config }: PlannedRun,
  data: SweepData,
): Promise<Pick<NotReused, "reason" | "before" | "now"> | undefined> {
  const { packageVersion = VERSION, dataHash } = start ?? {};
  if (packageVersion !== VERSION) return { reason: "version", before: packageVersion, now: VERSION };
  if (dataHash === undefined) return undefined;
  const now = await data.hash(config);
  return dataHash === now ? undefined : { reason: "data", before: dataHash, now };
}
