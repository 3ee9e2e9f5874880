import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { curve, groupCurve, groupLegend, type Point, roundAxis } from "./cartesian.ts";
import { allRuns, bandNote, type Chart, onlyRun } from "./chart.ts";

const LINES = [
  { key: "best", name: "best client", colour: 2 },
  { key: "mean", name: "mean over clients", colour: 0 },
  { key: "worstDecile", name: "bottom decile of clients", colour: 1 },
] as const;

/** Mean and worst-decile accuracy over clients after each per-client evaluation. */
export const clientRounds: Chart = {
  id: "client-rounds",
  title: "Clients over rounds",
  caption: (groups) =>
    onlyRun(groups) !== undefined
      ? "Accuracy on the clients' own hold-outs: the best client, the mean over clients and the mean over the bottom decile."
      : `Accuracy on the clients' own hold-outs. Solid: mean over clients. Dashed: mean over the bottom decile.${bandNote(groups)}`,
  plot(groups) {
    // a single evaluation is no curve; the spread over clients shows it
    if (allRuns(groups).every((run) => run.clientEvaluations.filter(({ mean }) => Number.isFinite(mean)).length < 2))
      return undefined;
    const axes = { x: roundAxis(groups), y: { label: "accuracy (%)", min: 0, max: 100 } };
    const run = onlyRun(groups);
    if (run !== undefined) {
      const marks = LINES.map(({ key, name, colour }) => curve(name, seriesColour(colour), points(run, key)));
      const drawn = marks.filter((line) => line.points.length > 0);
      return { ...axes, legend: drawn.map(({ name, colour }) => ({ name, colour })), marks: drawn };
    }
    const marks = groups.flatMap((group) => [
      groupCurve(group, (one) => points(one, "mean")),
      groupCurve({ ...group, name: `${group.name}, bottom decile` }, (one) => points(one, "worstDecile"), "dashed"),
    ]);
    return { ...axes, legend: groupLegend(groups), marks };
  },
};

function points(run: RunData, key: (typeof LINES)[number]["key"]): Point[] {
  return run.clientEvaluations.map((evaluation) => [evaluation.round, evaluation[key] * 100]);
}
