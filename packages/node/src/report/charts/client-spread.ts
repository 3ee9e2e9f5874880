import { formatPercent, formatPlural } from "../../terminal/format.ts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { curve, frame, type Point, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { AXIS, FONT_SIZE, MUTED, seriesColour, seriesDash } from "./theme.ts";

/** Accuracy of every client on its own hold-out at the last per-client evaluation, clients sorted from worst to best. */
export const clientSpread: Chart = {
  id: "client-spread",
  title: "Spread over clients",
  caption(runs) {
    const last = runs[0]?.clientEvaluations.at(-1);
    const what =
      "Accuracy of the global model on each client's own hold-out at the last evaluation, clients sorted from worst to best.";
    if (runs.length > 1 || last === undefined) return `${what} A flat curve treats clients alike.`;
    const worst = formatPercent(last.worstDecile, 1);
    return `${what} ${formatPlural(last.accuracies.length, "client")} at round ${last.round}; the bottom decile (shaded) averages ${worst}.`;
  },
  option(runs) {
    const curves = runs.map(sortedAccuracies);
    if (curves.every((points) => points.length === 0)) return undefined;
    const labels = runLabels(runs);
    const mean = (runs[0]?.clientEvaluations.at(-1)?.mean ?? Number.NaN) * 100;
    return {
      ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
      xAxis: xAxis("clients, worst to best (%)", { min: 0, max: 100 }),
      yAxis: yAxis("accuracy (%)", { min: 0, max: 100 }),
      series: curves.map((points, index) => ({
        ...curve(labels[index] ?? "", seriesColour(index), points, seriesDash(index)),
        showSymbol: false,
        ...(runs.length === 1 && {
          areaStyle: { color: seriesColour(index), opacity: 0.1 },
          markArea: {
            silent: true,
            itemStyle: { color: seriesColour(1), opacity: 0.12 },
            data: [[{ xAxis: 0 }, { xAxis: 10 }] as [{ xAxis: number }, { xAxis: number }]],
          },
          ...(Number.isFinite(mean) && { markLine: meanLine(mean) }),
        }),
      })),
    };
  },
};

/** Points (share of clients in percent, accuracy in percent); each client stands in the middle of its share. */
function sortedAccuracies(run: RunData): Point[] {
  const values = (run.clientEvaluations.at(-1)?.accuracies ?? []).filter(Number.isFinite).sort((a, b) => a - b);
  const count = values.length;
  const points = values.map((accuracy, index): Point => [((index + 0.5) / count) * 100, accuracy * 100]);
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? [[0, first[1]], ...points, [100, last[1]]] : [];
}

function meanLine(mean: number) {
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: AXIS, type: "dashed" as const, width: 1.5 },
    label: {
      formatter: () => `mean ${mean.toFixed(1)} %`,
      position: "insideStartTop" as const,
      color: MUTED,
      fontSize: FONT_SIZE,
      padding: [0, 0, 2, 60],
    },
    data: [{ yAxis: mean }],
  };
}
