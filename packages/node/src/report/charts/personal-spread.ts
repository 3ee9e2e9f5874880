import { formatPercent } from "../../terminal/format.ts";
import type { RunData } from "../run-data.ts";
import { overlay, type Point } from "./cartesian.ts";
import { bandNote, type Chart, onlyRun } from "./chart.ts";

/** Accuracy of every client's own model on its hold-out at the last such evaluation, sorted from worst to best. */
export const personalSpread: Chart = {
  id: "personal-spread",
  title: "Spread of personal models",
  caption(groups) {
    const what =
      "Accuracy of each client's own model, or of the model that it has adapted, on its own hold-out, sorted from worst to best.";
    const last = onlyRun(groups)?.clientEvaluations.at(-1);
    const own = last?.personal ?? last?.adapted;
    if (last === undefined || own === undefined) return `${what}${bandNote(groups)}`;
    const means = `mean ${formatPercent(own.mean ?? Number.NaN, 1)}, that of the global model ${formatPercent(last.mean, 1)}`;
    return `${what} Round ${last.round}: ${means}.`;
  },
  plot(groups) {
    return overlay(groups, sortedAccuracies, {
      x: { label: "clients, worst to best (%)", min: 0, max: 100 },
      y: { label: "accuracy (%)", min: 0, max: 100 },
    });
  },
};

/** Points (share of clients in percent, accuracy in percent); each client is in the middle of its share. */
function sortedAccuracies(run: RunData): Point[] {
  const last = run.clientEvaluations.at(-1);
  const accuracies: readonly (number | null)[] = (last?.personal ?? last?.adapted)?.accuracies ?? [];
  const values = accuracies.filter((value): value is number => Number.isFinite(value)).sort((a, b) => a - b);
  return values.map((accuracy, index): Point => [((index + 0.5) / values.length) * 100, accuracy * 100]);
}
