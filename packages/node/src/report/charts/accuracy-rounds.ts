import type { LineSeriesOption } from "echarts";
import { formatPercent } from "../../terminal/format.ts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { summarise } from "../summary.ts";
import { curve, frame, lastRound, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { FONT_SIZE, INK, seriesColour, seriesDash } from "./theme.ts";

/** Accuracy of the global model on the test set after each evaluated round. */
export const accuracyRounds: Chart = {
  id: "accuracy-rounds",
  title: "Test accuracy",
  caption: (runs) =>
    runs.length === 1
      ? "Accuracy of the global model on the held-out test set after each evaluated round; the best round is marked."
      : "Accuracy of the global model on the held-out test set after each evaluated round.",
  option(runs) {
    if (runs.every((run) => run.evaluations.length === 0)) return undefined;
    const labels = runLabels(runs);
    const end = lastRound(runs);
    const series = runs.map((run, index) => ({
      ...curve(
        labels[index] ?? "",
        seriesColour(index),
        run.evaluations.map((evaluation) => [evaluation.round, evaluation.accuracy * 100]),
        seriesDash(index),
      ),
      ...(runs.length === 1 && bestMark(run, end)),
    }));
    return {
      ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
      xAxis: xAxis("round", { min: 0, max: end }),
      yAxis: yAxis("accuracy (%)"),
      series,
    };
  },
};

/** A dot at the best round, its label below the curve and turned inwards near the sides. */
function bestMark(run: RunData, end: number): Pick<LineSeriesOption, "markPoint"> {
  const { bestRound, bestAccuracy } = summarise(run);
  if (!Number.isFinite(bestRound)) return {};
  const align = bestRound > end * 0.7 ? "right" : bestRound < end * 0.3 ? "left" : "center";
  return {
    markPoint: {
      symbol: "circle",
      symbolSize: 10,
      itemStyle: { color: "#ffffff", borderColor: seriesColour(0), borderWidth: 2.5 },
      label: {
        formatter: () => `best ${formatPercent(bestAccuracy, 1)} at round ${bestRound}`,
        position: "bottom",
        distance: 12,
        align,
        color: INK,
        fontSize: FONT_SIZE,
        fontWeight: 600,
        textBorderColor: "#ffffff",
        textBorderWidth: 3,
      },
      data: [{ name: "best", coord: [bestRound, bestAccuracy * 100] }],
    },
  };
}
