import { overlay } from "./cartesian.ts";
import { allRuns, bandNote, type Chart } from "./chart.ts";
import { plottedEpsilon, scopeNote } from "./epsilon-rounds.ts";

/** Test accuracy against epsilon: what privacy costs. */
export const accuracyEpsilon: Chart = {
  id: "accuracy-epsilon",
  title: "Accuracy for privacy",
  caption: (groups) =>
    `Test accuracy against the epsilon of all rounds until then. Further to the upper left is better.${scopeNote(allRuns(groups))}${bandNote(groups)}`,
  plot: (groups) =>
    overlay(
      groups,
      ({ rounds, evaluations }) => {
        const spent = new Map(rounds.map(({ round, privacy }) => [round, plottedEpsilon(privacy)]));
        return evaluations.map(({ round, accuracy }) => [spent.get(round) ?? Number.NaN, accuracy * 100, round]);
      },
      { x: { label: "epsilon", min: 0 }, y: { label: "accuracy (%)" } },
    ),
};
