import { dirname, resolve } from "node:path";
import { listRuns } from "../store/find-run.ts";
import { formatPercent } from "../terminal/format.ts";
import type { Rule } from "./plot/plot.ts";
import { type RunData, readRunFolder } from "./run-data.ts";
import { classifyEnd } from "./run-end.ts";
import { summarise } from "./summary.ts";

/** Whether a run is a baseline of another: the same data, partition, model and seed. */
export function isBaselineOf(baseline: RunData, run: RunData): boolean {
  const [of, it] = [baseline.start, run.start];
  if (of?.baseline === undefined || it === undefined || it.baseline !== undefined) return false;
  const same = of.dataHash !== undefined && of.dataHash === it.dataHash && of.seed === it.seed;
  return same && of.model === it.model && of.parameters === it.parameters;
}

/** A run with its folder. */
export interface FoundRun {
  readonly folder: string;
  readonly run: RunData;
}

/** Finished baselines of a run beside its folder, oldest first. None where the folder of runs cannot be read. */
export async function findBaselines({ folder, run }: FoundRun): Promise<FoundRun[]> {
  const beside = await readBeside(folder, (algorithm) => NAMES.has(algorithm));
  return beside.filter((other) => isBaselineOf(other.run, run) && classifyEnd(other.run) === "finished");
}

/** Ended runs beside a baseline that it is one of. */
export async function findFederations({ folder, run }: FoundRun): Promise<FoundRun[]> {
  const beside = await readBeside(folder, (algorithm) => !NAMES.has(algorithm));
  return beside.filter((other) => isBaselineOf(run, other.run) && classifyEnd(other.run) !== "interrupted");
}

/** What baselines are called where runs name their method. */
const NAMES: ReadonlySet<string> = new Set(["centralized", "local-only"]);

async function readBeside(folder: string, isWanted: (algorithm: string) => boolean): Promise<FoundRun[]> {
  try {
    const beside = await listRuns(dirname(resolve(folder)));
    const wanted = beside.filter(({ algorithm }) => isWanted(algorithm)).reverse();
    return wanted.map(({ folder }) => ({ folder, run: readRunFolder(folder) }));
  } catch {
    return []; // a report does not fail for what is drawn beside it
  }
}

/** A line across the accuracy chart for each baseline. */
export function baselineRules(baselines: readonly RunData[]): Rule[] {
  return baselines.flatMap((run) => {
    const { accuracy } = summarise(run);
    const text = `${baselineName(run)} ${formatPercent(accuracy, 1)}`;
    return Number.isFinite(accuracy) ? [{ kind: "rule", y: accuracy * 100, text } as const] : [];
  });
}

/** What a baseline is called beside its federation. */
export function baselineName({ start, name }: RunData): string {
  return start?.baseline === undefined || name.endsWith(start.baseline) ? (start?.baseline ?? name) : name;
}
