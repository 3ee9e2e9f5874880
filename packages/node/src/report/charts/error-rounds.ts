import { overlay, roundAxis } from "./cartesian.ts";
import { bandNote, type Chart } from "./chart.ts";

/** Test error of models that predict numbers, after each evaluated round. */
export const errorRounds: Chart = {
  id: "error-rounds",
  title: "Test error",
  caption: (groups) =>
    `Root mean squared error on the test set after each evaluated round, in units of the target.${bandNote(groups)}`,
  plot(groups) {
    const axes = { x: roundAxis(groups), y: { label: "RMSE" } };
    return overlay(groups, (run) => run.evaluations.map(({ round, rmse }) => [round, rmse ?? Number.NaN]), axes);
  },
};
