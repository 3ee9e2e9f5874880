import type { Chart } from "./charts/chart.ts";
import { CHART_SECTIONS } from "./charts/index.ts";
import { partitionPicture } from "./charts/partition.ts";
import { renderSvg } from "./charts/render.ts";
import { runLabels } from "./labels.ts";
import type { RunData } from "./run-data.ts";

/** A drawn chart. `id` is also its file name in charts/, without `.svg`. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

/** All charts that the runs have data for, by section; sections without any are left out. */
export function drawFigures(runs: readonly RunData[]): { heading: string; figures: Figure[] }[] {
  return CHART_SECTIONS.map(({ heading, charts }) => ({
    heading,
    figures: charts.flatMap((chart) => (chart === partitionPicture ? drawPartitions(runs) : draw(chart, runs))),
  })).filter(({ figures }) => figures.length > 0);
}

function draw(chart: Chart, runs: readonly RunData[], id = chart.id, title = chart.title): Figure[] {
  const option = chart.option(runs);
  if (option === undefined) return [];
  return [{ id, title, caption: chart.caption(runs), svg: renderSvg(option, id, chart.title) }];
}

/** One picture for each distinct partition among the runs, named by the runs that share it where there are several. */
function drawPartitions(runs: readonly RunData[]): Figure[] {
  const labels = runLabels(runs);
  const groups = new Map<string, { runs: RunData[]; labels: string[] }>();
  runs.forEach((run, index) => {
    if (run.partition === undefined) return;
    const key = JSON.stringify(run.partition.counts);
    const group = groups.get(key) ?? { runs: [], labels: [] };
    group.runs.push(run);
    group.labels.push(labels[index] ?? "");
    groups.set(key, group);
  });
  return [...groups.values()].flatMap((group, index) => {
    const { id, title } = partitionPicture;
    return groups.size === 1
      ? draw(partitionPicture, group.runs)
      : draw(partitionPicture, group.runs, `${id}-${index + 1}`, `${title}: ${group.labels.join(", ")}`);
  });
}
