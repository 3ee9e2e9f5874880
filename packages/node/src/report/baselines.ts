import { dirname, resolve } from "node:path";
import { listRuns } from "../store/find-run.ts";
import { formatPercent } from "../terminal/format.ts";
import { seriesColour } from "./plot/colours.ts";
import type { Line, Plot } from "./plot/plot.ts";
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
const NAMES: ReadonlySet<string> = new Set(["centralized", "local-only", "public-only"]);

async function readBeside(folder: string, isWanted: (algorithm: string) => boolean): Promise<FoundRun[]> {
  try {
    const beside = await listRuns(dirname(resolve(folder)));
    const wanted = beside.filter(({ algorithm }) => isWanted(algorithm)).reverse();
    return wanted.map(({ folder }) => ({ folder, run: readRunFolder(folder) }));
  } catch {
    return []; // a report does not fail for what is drawn beside it
  }
}

/** A line across the chart of accuracy over rounds for each baseline, at its last accuracy. */
export function withBaselines(plot: Plot, baselines: readonly RunData[]): Plot {
  const lines = baselines.flatMap((run, index): Line[] => {
    const { accuracy } = summarise(run);
    if (!Number.isFinite(accuracy)) return [];
    const name = `${baselineName(run)} ${formatPercent(accuracy, 1)}`;
    const ends = [plot.x.min ?? 0, plot.x.max ?? 1].map((x) => [x, accuracy * 100] as const);
    return [{ kind: "line", name, colour: seriesColour(index + 2), dash: "dashed", points: ends }];
  });
  const legend = [...plot.legend, ...lines.map(({ name, colour }) => ({ name, colour }))];
  return lines.length === 0 ? plot : { ...plot, legend, marks: [...plot.marks, ...lines] };
}

/** What a baseline is called beside its federation. */
export function baselineName({ start, name }: RunData): string {
  return start?.baseline === undefined || name.endsWith(start.baseline) ? (start?.baseline ?? name) : name;
}
