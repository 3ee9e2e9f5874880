import type { LineSeriesOption } from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { curve, frame, lastRound, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { seriesColour, seriesDash } from "./theme.ts";

/** Lowest, mean and highest train loss within each cohort. */
export const clientLossBand: Chart = {
  id: "client-loss-band",
  title: "Loss range in the cohort",
  caption: () =>
    "Line: mean train loss of the cohort. Band: from the lowest to the highest client of the round. A wide band means that clients pull in different directions.",
  option(runs) {
    if (!runs.some((run) => run.rounds.some(hasBand))) return undefined;
    const labels = runLabels(runs);
    return {
      ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis("train loss"),
      series: runs.flatMap((run, index) => [
        ...band(run, index, runs.length === 1 ? 0.22 : 0.13),
        curve(
          labels[index] ?? "",
          seriesColour(index),
          run.rounds.map((round) => [round.round, round.loss]),
          seriesDash(index),
        ),
      ]),
    };
  },
};

/** A band is an invisible line at the lowest loss with the difference to the highest stacked on it. */
function band(run: RunData, index: number, opacity: number): LineSeriesOption[] {
  const rounds = run.rounds.filter(hasBand);
  const edge = (values: number[]): LineSeriesOption => ({
    type: "line",
    name: `band ${index + 1}`,
    stack: `band ${index + 1}`,
    stackStrategy: "all",
    data: values.map((value, at) => [rounds[at]?.round ?? 0, value]),
    showSymbol: false,
    lineStyle: { width: 0, opacity: 0 },
    itemStyle: { color: seriesColour(index) },
  });
  return [
    edge(rounds.map((round) => round.clientLossMin)),
    {
      ...edge(rounds.map((round) => round.clientLossMax - round.clientLossMin)),
      areaStyle: { color: seriesColour(index), opacity },
    },
  ];
}

function hasBand(round: { clientLossMin: number; clientLossMax: number }): boolean {
  return Number.isFinite(round.clientLossMin) && Number.isFinite(round.clientLossMax);
}
