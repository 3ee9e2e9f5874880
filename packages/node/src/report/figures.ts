import { printable } from "@anabranch/core";
import { withBaselines } from "./baselines.ts";
import { accuracyRounds } from "./charts/accuracy-rounds.ts";
import { type Chart, type ChartGroup, withoutBaselines } from "./charts/chart.ts";
import { CHART_SECTIONS } from "./charts/index.ts";
import { partitionPicture } from "./charts/partition.ts";
import type { RunGroup } from "./comparison.ts";
import { extentOf } from "./plot/marks.ts";
import type { Plot } from "./plot/plot.ts";
import type { RunData } from "./run-data.ts";

/** Settings of a comparison of which partitions are drawn. */
const MAX_PARTITIONS = 4;

/** A chart of a page. */
export interface Figure {
  /** Its place among all charts of the page. */
  readonly index: number;
  /** Also its file name in charts/, without `.svg`. */
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly plot: Plot;
}

export interface FigureSection {
  readonly heading: string;
  readonly figures: readonly Figure[];
}

/** The groups of one setting, which share charts. */
export interface Panel {
  readonly setting: string;
  readonly groups: readonly ChartGroup[];
}

/** All charts of one run, by section. Baselines are lines across its accuracy. */
export function runFigures(run: RunData, baselines: readonly RunData[] = []): FigureSection[] {
  const groups = [{ name: printable(run.name), colour: 0, runs: [run] }];
  return figureSections([{ setting: "", groups }]).map(({ heading, figures }) => ({
    heading,
    figures: figures.map((figure) =>
      figure.id === accuracyRounds.id ? { ...figure, plot: withBaselines(figure.plot, baselines) } : figure,
    ),
  }));
}

/** One panel for each setting; a method has the same colour in all of them. */
export function panelsOf(groups: readonly RunGroup[]): Panel[] {
  const methods = [...new Set(groups.map(({ method }) => method))];
  const settings = Map.groupBy(groups, ({ setting }) => setting);
  return [...settings].map(([setting, same]) => ({
    setting,
    groups: same.map(({ method, runs }) => ({ name: printable(method), colour: methods.indexOf(method), runs })),
  }));
}

/** All charts that the runs have data for, by section; each once for every panel, over the same axes. */
export function figureSections(panels: readonly Panel[]): FigureSection[] {
  let index = 0;
  return CHART_SECTIONS.map(({ heading, charts }) => ({
    heading,
    figures: charts.flatMap((chart) => chartFigures(chart, panels).map((figure) => ({ ...figure, index: index++ }))),
  }));
}

function chartFigures(chart: Chart, panels: readonly Panel[]): Omit<Figure, "index">[] {
  const shown = chart === partitionPicture ? panels.slice(0, MAX_PARTITIONS) : panels;
  const drawn = shown.flatMap((panel, at) => {
    const plot = chart.plot(panel.groups);
    return plot === undefined ? [] : [{ ...panel, at, plot }];
  });
  const plots = shareAxes(drawn.map(({ plot }) => plot));
  return drawn.map(({ setting, groups, at }, i) => ({
    id: panels.length === 1 ? chart.id : `${chart.id}-${at + 1}`,
    title: setting === "" ? chart.title : `${chart.title}: ${setting}`,
    caption: chart.caption(groups) + (chart === partitionPicture ? otherPartitions(groups) : ""),
    plot: plots[i]!,
  }));
}

/** Panels are compared by eye, so axes of one name have the same ends in all of them. */
function shareAxes(plots: readonly Plot[]): Plot[] {
  if (plots.length < 2) return [...plots];
  const shared = (axis: "x" | "y", plot: Plot) => {
    const { label, names } = plot[axis];
    if (names !== undefined) return plot[axis];
    const ends = plots.filter((other) => other[axis].label === label).map((other) => extentOf(other, axis));
    const [min, max] = [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
    return { ...plot[axis], min, max };
  };
  return plots.map((plot) => ({ ...plot, x: shared("x", plot), y: shared("y", plot) }));
}

/** How many partitions of other seeds are not drawn. */
function otherPartitions(groups: readonly ChartGroup[]): string {
  // a centralized run has the examples of all clients in one place
  const federations = withoutBaselines(groups);
  const counts = federations.flatMap(({ runs }) => runs.flatMap(({ partition }) => partition ?? []));
  const distinct = new Set(counts.map((partition) => JSON.stringify(partition.counts))).size;
  return distinct < 2 ? "" : ` Partitions of other seeds, not drawn: ${distinct - 1}.`;
}
