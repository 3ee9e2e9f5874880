import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { curve, frame, lastRound, type Point, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { seriesColour, seriesDash } from "./theme.ts";

const LINES = [
  { key: "best", name: "best client", colour: 2 },
  { key: "mean", name: "mean over clients", colour: 0 },
  { key: "worstDecile", name: "bottom decile of clients", colour: 1 },
] as const;

/** Mean and worst-decile accuracy over clients after each per-client evaluation. */
export const clientRounds: Chart = {
  id: "client-rounds",
  title: "Clients over rounds",
  caption: (runs) =>
    runs.length === 1
      ? "Accuracy on the clients' own hold-outs: the best client, the mean over clients and the mean over the bottom decile."
      : "Accuracy on the clients' own hold-outs. Solid: mean over clients. Dashed: mean over the bottom decile.",
  option(runs) {
    // A single evaluation is no curve; the spread over clients shows it.
    if (runs.every((run) => run.clientEvaluations.length < 2)) return undefined;
    const labels = runLabels(runs);
    const axes = {
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis("accuracy (%)", { min: 0, max: 100 }),
    };
    const [only] = runs;
    if (runs.length === 1 && only !== undefined) {
      const lines = LINES.map(({ key, name, colour }) => ({
        name,
        colour: seriesColour(colour),
        points: points(only, key),
      }));
      const drawn = lines.filter((line) => line.points.some(([, accuracy]) => Number.isFinite(accuracy)));
      return { ...frame(drawn), ...axes, series: drawn.map((line) => curve(line.name, line.colour, line.points)) };
    }
    return {
      ...frame(labels.map((name, index) => ({ name, colour: seriesColour(index) }))),
      ...axes,
      series: runs.flatMap((run, index) => [
        curve(labels[index] ?? "", seriesColour(index), points(run, "mean"), seriesDash(index)),
        curve(labels[index] ?? "", seriesColour(index), points(run, "worstDecile"), "dashed"),
      ]),
    };
  },
};

function points(run: RunData, key: (typeof LINES)[number]["key"]): Point[] {
  return run.clientEvaluations.map((evaluation) => [evaluation.round, evaluation[key] * 100]);
}
