import type { EChartsOption, LineSeriesOption } from "echarts";
import { formatPercent } from "../../terminal/format.ts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { summarise } from "../summary.ts";
import { curve, frame, lastRound, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { CHART_WIDTH, FONT, FONT_SIZE, seriesColour, seriesDash } from "./theme.ts";

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
    const series = runs.map((run, index) => ({
      ...curve(
        labels[index] ?? "",
        seriesColour(index),
        run.evaluations.map((evaluation) => [evaluation.round, evaluation.accuracy * 100]),
        seriesDash(index),
      ),
      ...(runs.length === 1 && bestMark(run)),
    }));
    return {
      ...(runs.length === 1 && bestTitle(runs[0])),
      ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis("accuracy (%)"),
      series,
    };
  },
};

/** A ring around the best round. */
function bestMark(run: RunData): Pick<LineSeriesOption, "markPoint"> {
  const { bestRound, bestAccuracy } = summarise(run);
  if (!Number.isFinite(bestRound)) return {};
  return {
    markPoint: {
      symbol: "circle",
      symbolSize: 10,
      itemStyle: { color: "#ffffff", borderColor: seriesColour(1), borderWidth: 2.5 },
      label: { show: false },
      data: [{ name: "best", coord: [bestRound, bestAccuracy * 100] }],
    },
  };
}

/** The best round in words, beside the axis title where no curve can run into it. */
function bestTitle(run: RunData | undefined): Pick<EChartsOption, "title"> {
  const { bestRound, bestAccuracy } = run === undefined ? { bestRound: Number.NaN, bestAccuracy: 0 } : summarise(run);
  if (!Number.isFinite(bestRound)) return {};
  return {
    title: {
      text: `best ${formatPercent(bestAccuracy, 1)} at round ${bestRound}`,
      // Anchored at its end: the renderer only estimates how wide the text is.
      left: CHART_WIDTH - 16,
      textAlign: "right",
      top: 4,
      padding: 0,
      textStyle: { fontFamily: FONT, fontSize: FONT_SIZE, fontWeight: "bold", color: seriesColour(1) },
    },
  };
}
