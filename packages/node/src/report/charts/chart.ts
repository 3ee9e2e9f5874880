import type { Plot } from "../plot/plot.ts";
import type { RunData } from "../run-data.ts";

/** Runs that are drawn as one: seeds of one method in one setting, or a single run. */
export interface ChartGroup {
  readonly name: string;
  /** Place of the method's colour, the same in every chart of a page. */
  readonly colour: number;
  readonly runs: readonly RunData[];
}

/** One picture of a report: of a single run, or of groups of runs beside one another. */
export interface Chart {
  /** Name of its file in charts/. */
  readonly id: string;
  readonly title: string;
  /** One or two plain sentences: what is drawn and how to read it. */
  caption(groups: readonly ChartGroup[]): string;
  /** The picture as data; undefined where the runs have nothing to draw. */
  plot(groups: readonly ChartGroup[]): Plot | undefined;
}

/** The run of a report of one run; undefined in a comparison. */
export function onlyRun(groups: readonly ChartGroup[]): RunData | undefined {
  return groups.length === 1 && groups[0]!.runs.length === 1 ? groups[0]!.runs[0] : undefined;
}

export function allRuns(groups: readonly ChartGroup[]): RunData[] {
  return groups.flatMap(({ runs }) => runs);
}

/** Groups of runs that exchange something. */
export function withoutBaselines(groups: readonly ChartGroup[]): ChartGroup[] {
  return groups.filter(({ runs }) => runs[0]?.start?.baseline === undefined);
}

/** How to read curves of groups with several seeds; empty where each has one. */
export function bandNote(groups: readonly ChartGroup[]): string {
  return groups.some(({ runs }) => runs.length > 1)
    ? " Line: mean over seeds, as far as all of them got. Band: from the lowest to the highest seed."
    : "";
}
