import { runLabels } from "../labels.ts";
import { curve, frame, lastRound, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { seriesColour, seriesDash } from "./theme.ts";

/** Train and test loss over rounds. */
export const lossRounds: Chart = {
  id: "loss-rounds",
  title: "Loss",
  caption: (runs) =>
    runs.length === 1
      ? "Test: loss of the global model on the held-out test set. Train: mean loss over the cohort during local training, before its updates are averaged."
      : "Solid: loss of the global model on the test set. Dashed: mean loss over the cohort during local training.",
  option(runs) {
    if (runs.every((run) => run.rounds.length + run.evaluations.length === 0)) return undefined;
    const labels = runLabels(runs);
    const single = runs.length === 1;
    const legend = single
      ? [
          { name: "test", colour: seriesColour(0) },
          { name: "train", colour: seriesColour(1) },
        ]
      : labels.map((name, index) => ({ name, colour: seriesColour(index) }));
    return {
      ...frame(legend),
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis(single ? "loss" : "loss (solid: test, dashed: train)"),
      series: runs.flatMap((run, index) => {
        const test = run.evaluations.map((evaluation) => [evaluation.round, evaluation.loss] as const);
        const train = run.rounds.map((round) => [round.round, round.loss] as const);
        const name = labels[index] ?? "";
        return [
          curve(single ? "test" : name, seriesColour(index), test, seriesDash(index)),
          curve(single ? "train" : name, seriesColour(single ? 1 : index), train, single ? "solid" : "dashed"),
        ];
      }),
    };
  },
};
