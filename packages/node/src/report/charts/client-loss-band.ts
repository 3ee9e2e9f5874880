import type { EChartsOption, LineSeriesOption } from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { curve, frame, lastRound, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { seriesColour, seriesDash } from "./theme.ts";

/** Lowest, mean and highest train loss within each cohort; for several runs the width of that range. */
export const clientLossBand: Chart = {
  id: "client-loss-band",
  title: "Loss range in the cohort",
  caption: (runs) =>
    runs.length === 1
      ? "Line: mean train loss of the cohort. Band: from the lowest to the highest client of the round."
      : "Highest minus lowest training loss among the clients of a round.",
  option(runs) {
    if (!runs.some((run) => run.rounds.some(hasBand))) return undefined;
    const [only] = runs;
    return runs.length === 1 && only !== undefined ? band(only) : widths(runs);
  },
};

/** A band is an invisible line at the lowest loss with the difference to the highest stacked on it. */
function band(run: RunData): EChartsOption {
  const rounds = run.rounds.filter(hasBand);
  const edge = (values: number[]): LineSeriesOption => ({
    type: "line",
    stack: "band",
    stackStrategy: "all",
    data: values.map((value, index) => [rounds[index]?.round ?? 0, value]),
    showSymbol: false,
    lineStyle: { width: 0, opacity: 0 },
    itemStyle: { color: seriesColour(0) },
  });
  return {
    ...frame([]),
    xAxis: xAxis("round", { min: 0, max: lastRound([run]) }),
    yAxis: yAxis("train loss"),
    series: [
      edge(rounds.map((round) => round.clientLossMin)),
      {
        ...edge(rounds.map((round) => round.clientLossMax - round.clientLossMin)),
        areaStyle: { color: seriesColour(0), opacity: 0.22 },
      },
      curve(
        "mean",
        seriesColour(0),
        run.rounds.map((round) => [round.round, round.loss]),
      ),
    ],
  };
}

/** Bands of several runs would hide one another: their widths do not. */
function widths(runs: readonly RunData[]): EChartsOption {
  const labels = runLabels(runs);
  return {
    ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
    xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
    yAxis: yAxis("highest − lowest train loss", { min: 0 }),
    series: runs.map((run, index) =>
      curve(
        labels[index] ?? "",
        seriesColour(index),
        run.rounds.filter(hasBand).map((round) => [round.round, round.clientLossMax - round.clientLossMin]),
        seriesDash(index),
      ),
    ),
  };
}

function hasBand(round: { clientLossMin: number; clientLossMax: number }): boolean {
  return Number.isFinite(round.clientLossMin) && Number.isFinite(round.clientLossMax);
}
