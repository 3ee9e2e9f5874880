import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { curve, groupCurve, groupLegend, type Point, roundAxis } from "./cartesian.ts";
import { bandNote, type Chart, onlyRun } from "./chart.ts";

const test = (run: RunData) => run.evaluations.map(({ round, loss }): Point => [round, loss]);
const train = (run: RunData) => run.rounds.map(({ round, loss }): Point => [round, loss]);

/** Train and test loss over rounds. */
export const lossRounds: Chart = {
  id: "loss-rounds",
  title: "Loss",
  caption: (groups) =>
    onlyRun(groups) !== undefined
      ? "Test: loss of the global model on the held-out test set. Train: mean loss over the cohort during local training, before its updates are averaged."
      : `Solid: loss of the global model on the test set. Dashed: mean loss over the cohort during local training.${bandNote(groups)}`,
  plot(groups) {
    const run = onlyRun(groups);
    const marks =
      run !== undefined
        ? [curve("test", seriesColour(0), test(run)), curve("train", seriesColour(1), train(run))]
        : groups.flatMap((group) => [
            groupCurve(group, test),
            groupCurve({ ...group, name: `${group.name}, train` }, train, "dashed"),
          ]);
    if (marks.every(({ points }) => points.length === 0)) return undefined;
    const legend = run === undefined ? groupLegend(groups) : marks.map(({ name, colour }) => ({ name, colour }));
    return { x: roundAxis(groups), y: { label: "loss" }, legend, marks };
  },
};
