import { overlay, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { plottedEpsilon, scopeNote } from "./epsilon-rounds.ts";

/** Test accuracy against epsilon: what privacy costs. */
export const accuracyEpsilon: Chart = {
  id: "accuracy-epsilon",
  title: "Accuracy for privacy",
  caption: (runs) =>
    `Test accuracy against the epsilon of all rounds until then. Further to the upper left is better.${scopeNote(runs)}`,
  option(runs) {
    const curves = runs.map(({ rounds, evaluations }) => {
      const spent = new Map(rounds.map(({ round, privacy }) => [round, plottedEpsilon(privacy)]));
      return evaluations.map(({ round, accuracy }) => [spent.get(round) ?? Number.NaN, accuracy * 100] as const);
    });
    if (!curves.flat().some(([epsilon]) => Number.isFinite(epsilon))) return undefined;
    return overlay(runs, curves, { xAxis: xAxis("epsilon", { min: 0 }), yAxis: yAxis("accuracy (%)") });
  },
};
