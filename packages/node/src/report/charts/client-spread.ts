import { formatPercent, formatPlural } from "../../terminal/format.ts";
import type { RunData } from "../run-data.ts";
import { overlay, type Point } from "./cartesian.ts";
import { bandNote, type Chart, onlyRun } from "./chart.ts";

/** Accuracy of every client on its own hold-out at the last per-client evaluation, clients sorted from worst to best. */
export const clientSpread: Chart = {
  id: "client-spread",
  title: "Spread over clients",
  caption(groups) {
    const last = onlyRun(groups)?.clientEvaluations.at(-1);
    const what =
      "Accuracy of the global model on each client's own hold-out at the last evaluation, clients sorted from worst to best.";
    if (last === undefined) return `${what} A flat curve treats clients alike.${bandNote(groups)}`;
    const worst = formatPercent(last.worstDecile, 1);
    return `${what} ${formatPlural(last.accuracies.length, "client")} at round ${last.round}; the bottom decile averages ${worst}.`;
  },
  plot(groups) {
    const axes = {
      x: { label: "clients, worst to best (%)", min: 0, max: 100 },
      y: { label: "accuracy (%)", min: 0, max: 100 },
    };
    const plot = overlay(groups, sortedAccuracies, axes);
    const mean = (onlyRun(groups)?.clientEvaluations.at(-1)?.mean ?? Number.NaN) * 100;
    if (plot === undefined || !Number.isFinite(mean)) return plot;
    return { ...plot, marks: [...plot.marks, { kind: "rule", y: mean, text: `mean ${mean.toFixed(1)} %` }] };
  },
};

/** Points (share of clients in percent, accuracy in percent); each client is in the middle of its share. */
function sortedAccuracies(run: RunData): Point[] {
  const values = (run.clientEvaluations.at(-1)?.accuracies ?? []).filter(Number.isFinite).sort((a, b) => a - b);
  const count = values.length;
  const points = values.map((accuracy, index): Point => [((index + 0.5) / count) * 100, accuracy * 100]);
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? [[0, first[1]], ...points, [100, last[1]]] : [];
}
