import { formatPercent } from "../../terminal/format.ts";
import { seriesColour } from "../plot/colours.ts";
import type { Mark } from "../plot/plot.ts";
import type { RunData } from "../run-data.ts";
import { summarise } from "../summary.ts";
import { overlay, roundAxis } from "./cartesian.ts";
import { bandNote, type Chart, onlyRun } from "./chart.ts";

/** Accuracy of the global model on the test set after each evaluated round. */
export const accuracyRounds: Chart = {
  id: "accuracy-rounds",
  title: "Test accuracy",
  caption(groups) {
    const what = "Accuracy of the global model on the held-out test set after each evaluated round";
    return onlyRun(groups) === undefined ? `${what}.${bandNote(groups)}` : `${what}; the best round is marked.`;
  },
  plot(groups) {
    const axes = { x: roundAxis(groups), y: { label: "accuracy (%)" } };
    const plot = overlay(groups, (run) => run.evaluations.map(({ round, accuracy }) => [round, accuracy * 100]), axes);
    const run = onlyRun(groups);
    return plot === undefined || run === undefined ? plot : { ...plot, marks: [...plot.marks, ...bestMark(run)] };
  },
};

/** A ring around the best round. */
function bestMark(run: RunData): Mark[] {
  const { bestRound, bestAccuracy } = summarise(run);
  if (!Number.isFinite(bestRound)) return [];
  const short = `best ${formatPercent(bestAccuracy, 1)}`;
  const text = `${short} at round ${bestRound}`;
  return [{ kind: "ring", x: bestRound, y: bestAccuracy * 100, colour: seriesColour(1), text, short }];
}
