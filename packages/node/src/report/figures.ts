import type { Chart } from "./charts/chart.ts";
import { CHART_SECTIONS } from "./charts/index.ts";
import { partitionPicture } from "./charts/partition.ts";
import { renderSvg } from "./charts/render.ts";
import { runLabels } from "./labels.ts";
import type { RunData } from "./run-data.ts";

/** Runs with many seeds have as many partitions, which look much alike. */
const MAX_PARTITIONS = 4;

/** A drawn chart. `id` is also its file name in charts/, without `.svg`. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

/** All charts that the runs have data for, by section. */
export function drawFigures(runs: readonly RunData[]): { heading: string; figures: Figure[] }[] {
  return CHART_SECTIONS.map(({ heading, charts }) => ({
    heading,
    figures: charts.flatMap((chart) => (chart === partitionPicture ? drawPartitions(runs) : draw(chart, runs))),
  }));
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
  const { id, title } = partitionPicture;
  if (groups.size === 1) return draw(partitionPicture, runs);
  const figures = [...groups.values()]
    .slice(0, MAX_PARTITIONS)
    .flatMap((group, index) =>
      draw(partitionPicture, group.runs, `${id}-${index + 1}`, `${title}: ${group.labels.join(", ")}`),
    );
  const left = groups.size - MAX_PARTITIONS;
  return left <= 0
    ? figures
    : figures.map((drawn, index) => (index < figures.length - 1 ? drawn : withRest(drawn, left)));
}

function withRest(figure: Figure, left: number): Figure {
  return { ...figure, caption: `${figure.caption} Partitions of the other runs, not drawn: ${left}.` };
}
