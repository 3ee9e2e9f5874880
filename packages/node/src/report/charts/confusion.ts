import { printable } from "@anabranch/core";
import { type Chart, onlyRun } from "./chart.ts";

/** Which classes the final model takes for which, on the test set. Of a single run. */
export const confusionMatrix: Chart = {
  id: "confusion",
  title: "Confusion matrix",
  caption: (groups) =>
    `Test examples by class (rows) and by the class that the model of round ${onlyRun(groups)?.classMetrics?.round} predicts (columns). Off the diagonal are mistakes.`,
  plot(groups) {
    const metrics = onlyRun(groups)?.classMetrics;
    if (metrics === undefined) return undefined;
    const { confusion, classNames } = metrics;
    const names = confusion.map((_, label) => printable(classNames?.[label] ?? String(label)));
    const cells = confusion.flatMap((row, y) =>
      row.flatMap((count, x) => (count > 0 && x < names.length ? [[x, y, count] as const] : [])),
    );
    return {
      x: { label: "predicted class", names },
      y: { label: "class", names },
      legend: [],
      marks: [{ kind: "cells", unit: "examples", cells }],
    };
  },
};
